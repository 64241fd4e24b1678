#ifndef INGLE_SHIM_H
#define INGLE_SHIM_H

#include <stdint.h>

/*
** Registers a VFS under name (copied) on top of the VFS called host. keys is
** the number by which the Go callbacks find the keys. Through a frozen one no
** byte on disk changes. Never the default VFS.
** 0, or: 1 SQLite is not linked, 2 no such host VFS, 3 out of memory, 4 refused.
*/
int ingle_vfs_register(const char *name, const char *host, uintptr_t keys, int frozen);

#endif
