/*
** The product's shim once more, without the rule of the deferred salts and under
** another name. The callbacks are the ones that storage/vfs exports; weak, so
** that cgo's trial link of this package succeeds without them.
*/
#include <stdint.h>

extern int inglePageSeal(uintptr_t, unsigned char *, unsigned char *, int) __attribute__((weak));
extern int inglePageOpen(uintptr_t, unsigned char *, unsigned char *, int) __attribute__((weak));
extern int ingleHeaderSeal(uintptr_t, unsigned char *) __attribute__((weak));
extern int ingleHeaderOpen(uintptr_t, unsigned char *) __attribute__((weak));

#define INGLE_ZERO_SALTS
#define ingle_vfs_register zero_salts_register
#include "../../shim.c"
