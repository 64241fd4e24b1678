/*
** The part of SQLite's public interface that the shim needs, redeclared so that
** this package needs no copy of sqlite3.h and no include path into another
** module. SQLite promises that these structures only ever grow at the end and
** that iVersion says how far they are valid.
*/
#ifndef INGLE_SQLITE_ABI_H
#define INGLE_SQLITE_ABI_H

#include <stdint.h>

typedef int64_t sqlite3_int64;
typedef struct sqlite3_file sqlite3_file;
typedef struct sqlite3_io_methods sqlite3_io_methods;
typedef struct sqlite3_vfs sqlite3_vfs;

struct sqlite3_file {
  const sqlite3_io_methods *pMethods;
};

struct sqlite3_io_methods {
  int iVersion;
  int (*xClose)(sqlite3_file *);
  int (*xRead)(sqlite3_file *, void *, int, sqlite3_int64);
  int (*xWrite)(sqlite3_file *, const void *, int, sqlite3_int64);
  int (*xTruncate)(sqlite3_file *, sqlite3_int64);
  int (*xSync)(sqlite3_file *, int);
  int (*xFileSize)(sqlite3_file *, sqlite3_int64 *);
  int (*xLock)(sqlite3_file *, int);
  int (*xUnlock)(sqlite3_file *, int);
  int (*xCheckReservedLock)(sqlite3_file *, int *);
  int (*xFileControl)(sqlite3_file *, int, void *);
  int (*xSectorSize)(sqlite3_file *);
  int (*xDeviceCharacteristics)(sqlite3_file *);
  int (*xShmMap)(sqlite3_file *, int, int, int, void volatile **);
  int (*xShmLock)(sqlite3_file *, int, int, int);
  void (*xShmBarrier)(sqlite3_file *);
  int (*xShmUnmap)(sqlite3_file *, int);
};

struct sqlite3_vfs {
  int iVersion;
  int szOsFile;
  int mxPathname;
  sqlite3_vfs *pNext;
  const char *zName;
  void *pAppData;
  int (*xOpen)(sqlite3_vfs *, const char *, sqlite3_file *, int, int *);
  int (*xDelete)(sqlite3_vfs *, const char *, int);
  int (*xAccess)(sqlite3_vfs *, const char *, int, int *);
  int (*xFullPathname)(sqlite3_vfs *, const char *, int, char *);
  void *(*xDlOpen)(sqlite3_vfs *, const char *);
  void (*xDlError)(sqlite3_vfs *, int, char *);
  void (*(*xDlSym)(sqlite3_vfs *, void *, const char *))(void);
  void (*xDlClose)(sqlite3_vfs *, void *);
  int (*xRandomness)(sqlite3_vfs *, int, char *);
  int (*xSleep)(sqlite3_vfs *, int);
  int (*xCurrentTime)(sqlite3_vfs *, double *);
  int (*xGetLastError)(sqlite3_vfs *, int, char *);
  int (*xCurrentTimeInt64)(sqlite3_vfs *, sqlite3_int64 *);
};

/*
** Weak, so that cgo's own trial link of this package succeeds without SQLite;
** the final link resolves them to the objects of mattn/go-sqlite3. No linker
** flags are needed, and a missing SQLite shows as a null pointer at run time.
*/
extern sqlite3_vfs *sqlite3_vfs_find(const char *) __attribute__((weak));
extern int sqlite3_vfs_register(sqlite3_vfs *, int) __attribute__((weak));
extern void *sqlite3_malloc(int) __attribute__((weak));
extern void sqlite3_free(void *) __attribute__((weak));

enum {
  SQLITE_OK = 0,
  SQLITE_ERROR = 1,
  SQLITE_NOMEM = 7,
  SQLITE_READONLY = 8,
  SQLITE_NOTFOUND = 12,
  SQLITE_CANTOPEN = 14,
  SQLITE_IOERR_READ = 10 | (1 << 8),
  SQLITE_IOERR_SHORT_READ = 10 | (2 << 8),
  SQLITE_IOERR_WRITE = 10 | (3 << 8),
  SQLITE_IOERR_TRUNCATE = 10 | (6 << 8),
  SQLITE_IOERR_DATA = 10 | (32 << 8),

  SQLITE_OPEN_READONLY = 0x00000001,
  SQLITE_OPEN_READWRITE = 0x00000002,
  SQLITE_OPEN_CREATE = 0x00000004,
  SQLITE_OPEN_MAIN_DB = 0x00000100,
  SQLITE_OPEN_WAL = 0x00080000,

  SQLITE_FCNTL_SIZE_HINT = 5,
  SQLITE_FCNTL_CHUNK_SIZE = 6,
  SQLITE_FCNTL_MMAP_SIZE = 18,

  SQLITE_IOCAP_ATOMIC_ANY = 0x000001FF, /* ATOMIC and every ATOMIC<size> bit */
  SQLITE_IOCAP_POWERSAFE_OVERWRITE = 0x00001000,
  SQLITE_IOCAP_BATCH_ATOMIC = 0x00004000,
  SQLITE_IOCAP_SUBPAGE_READ = 0x00008000
};

#endif
