/*
** A SQLite VFS that keeps every database page and every WAL frame sealed on
** disk. SQLite sees plain pages; the file below holds ciphertext only. The
** cryptography is in Go (callbacks.go); this file decides what is a page, what
** a frame, and refuses everything else. The rules and the reasons for them:
** docs/adr/0003-page-aead-vfs.md.
*/
#include <string.h>

#include "sqlite_abi.h"
#include "shim.h"
#include "_cgo_export.h"

#define PAGE 4096
#define RESERVED 40      /* tag 16 + nonce 24 at the end of every page */
#define WAL_HEADER 32    /* file header of a WAL, passed through in clear */
#define FRAME_HEADER 24
#define FRAME (FRAME_HEADER + PAGE)
#define LOCK_PAGE 262145 /* the page at 1 GiB that SQLite never reads or writes */
#define INDEX_REGIONS 256 /* of 32 KiB each, for a million frames */
#define PEEK_END 100     /* SQLite reads its file header alone before it opens */

typedef enum { DATABASE, WAL } Kind;

typedef struct Below { /* what a registered VFS stands on */
  sqlite3_vfs *host;
  uintptr_t keys;
  int frozen; /* nothing may be written, cut or deleted */
} Below;

typedef struct File { /* the host's own file object lies right behind this one */
  sqlite3_file head;
  uintptr_t keys;
  int frozen;
  Kind kind;
  sqlite3_file *real;
  unsigned char *scratch;             /* one frame; holds plaintext between calls, wiped on close */
  unsigned char *index[INDEX_REGIONS]; /* the wal-index of a frozen file */
  sqlite3_int64 fresh;                /* frame whose header was the very last write, or -1 */
  unsigned char header[FRAME_HEADER]; /* that header, in plain */
} File;

static Below *below(sqlite3_vfs *v) { return (Below *)v->pAppData; }

/* The same method of the host's file, and of the host VFS. */
#define ON_FILE(f, method, ...) (((File *)(f))->real->pMethods->method(((File *)(f))->real, ##__VA_ARGS__))
#define ON_HOST(v, method, ...) (below(v)->host->method(below(v)->host, __VA_ARGS__))

static int all_zero(const unsigned char *p, int n) {
  unsigned char any = 0;
  while (n-- > 0) any |= *p++;
  return any == 0;
}

/* ---- database pages ---------------------------------------------------- */

static void page_aad(unsigned char aad[9], sqlite3_int64 pgno) {
  int i;
  aad[0] = 'P';
  for (i = 8; i > 0; i--, pgno >>= 8) aad[i] = (unsigned char)pgno;
}

/* Seals and writes the plain page that lies in scratch. */
static int db_put(File *f, sqlite3_int64 pgno) {
  unsigned char aad[9];
  page_aad(aad, pgno);
  if (inglePageSeal(f->keys, f->scratch, aad, sizeof aad)) return SQLITE_IOERR_WRITE;
  return ON_FILE(f, xWrite, f->scratch, PAGE, (pgno - 1) * PAGE);
}

/*
** Reads page pgno into scratch, in plain. The reserved bytes come back as zero:
** SQLite's WAL checksum covers them, so they must not differ between two reads.
*/
static int db_get(File *f, sqlite3_int64 pgno) {
  unsigned char aad[9];
  int rc = ON_FILE(f, xRead, f->scratch, PAGE, (pgno - 1) * PAGE);
  if (rc == SQLITE_OK) {
    page_aad(aad, pgno);
    if (inglePageOpen(f->keys, f->scratch, aad, sizeof aad)) rc = SQLITE_IOERR_DATA;
  }
  if (rc != SQLITE_OK) memset(f->scratch, 0, PAGE);
  else memset(f->scratch + PAGE - RESERVED, 0, RESERVED);
  return rc;
}

static int db_read(File *f, unsigned char *out, int n, sqlite3_int64 at) {
  sqlite3_int64 pgno = at / PAGE + 1;
  int from = (int)(at % PAGE);
  int rc;
  if (n <= 0 || at < 0 || from + n > PAGE) return SQLITE_IOERR_READ;
  rc = db_get(f, pgno);
  memcpy(out, f->scratch + from, n);
  /*
  ** A crash during a checkpoint can tear page 1 while its good copy is in the
  ** WAL. SQLite peeks at the file header before it looks at the WAL; that peek
  ** must not decide. A page 1 that is really damaged fails at the full read.
  */
  if (rc == SQLITE_IOERR_DATA && pgno == 1 && n < PAGE && from + n <= PEEK_END) return SQLITE_OK;
  return rc;
}

/*
** Fills pages first..last with sealed zero pages, so that an all-zero page on
** disk is never valid. The lock-byte page stays a hole.
*/
static int db_fill(File *f, sqlite3_int64 first, sqlite3_int64 last) {
  sqlite3_int64 p;
  int rc = SQLITE_OK;
  for (p = first; p <= last && rc == SQLITE_OK; p++) {
    if (p == LOCK_PAGE) continue;
    memset(f->scratch, 0, PAGE);
    rc = db_put(f, p);
  }
  return rc;
}

static int db_write(File *f, const unsigned char *in, int n, sqlite3_int64 at) {
  sqlite3_int64 pgno = at / PAGE + 1, size = 0;
  int rc;
  if (n != PAGE || at < 0 || at % PAGE != 0 || pgno == LOCK_PAGE) return SQLITE_IOERR_WRITE;
  /* A connection that did not reserve the bytes would lose the end of every page. */
  if (pgno == 1 && in[20] != RESERVED) return SQLITE_IOERR_WRITE;
  if (!all_zero(in + PAGE - RESERVED, RESERVED)) return SQLITE_IOERR_WRITE;
  /*
  ** The size is asked for every time: another connection may have changed it,
  ** and filling a gap that is none would destroy pages.
  */
  rc = ON_FILE(f, xFileSize, &size);
  if (rc != SQLITE_OK) return rc;
  rc = db_fill(f, size / PAGE + 1, pgno - 1);
  if (rc != SQLITE_OK) return rc;
  memcpy(f->scratch, in, PAGE);
  return db_put(f, pgno);
}

static int db_truncate(File *f, sqlite3_int64 to) {
  sqlite3_int64 size = 0;
  int rc;
  if (to < 0 || to % PAGE != 0) return SQLITE_IOERR_TRUNCATE;
  rc = ON_FILE(f, xFileSize, &size);
  if (rc == SQLITE_OK && size < to) rc = db_fill(f, size / PAGE + 1, to / PAGE);
  if (rc != SQLITE_OK) return rc;
  return ON_FILE(f, xTruncate, to);
}

/* ---- WAL frames -------------------------------------------------------- */

/* Where the frame that holds offset at begins; at must lie behind the file header. */
static sqlite3_int64 frame_start(sqlite3_int64 at) {
  return WAL_HEADER + (at - WAL_HEADER) / FRAME * FRAME;
}

/*
** The AAD of a frame's page: 'W', page number and commit size, and the salts of
** the WAL's generation. The checksum is left out on purpose: when a transaction
** overwrites one of its own frames, SQLite rewrites the page alone, and at
** commit the headers alone.
**
** Salts that are all zero are deferred ones: after the first overwritten frame
** SQLite writes the headers of further frames of that transaction without salts
** and fills them in at commit, without touching the pages. The value that it
** will fill in stands in the file header. Sealing with the zeros instead loses
** acknowledged rows; vfstest/zerosalts builds that mistake, so that the tests
** can show that they would see it.
*/
static int frame_aad(File *f, const unsigned char *header, unsigned char aad[17]) {
#ifdef INGLE_ZERO_SALTS
  const int deferred = 0;
#else
  const int deferred = all_zero(header + 8, 8);
#endif
  aad[0] = 'W';
  memcpy(aad + 1, header, 8);
  if (!deferred) {
    memcpy(aad + 9, header + 8, 8);
    return SQLITE_OK;
  }
  return ON_FILE(f, xRead, aad + 9, 8, 16);
}

static int header_put(File *f, const unsigned char *in, sqlite3_int64 at) {
  unsigned char sealed[FRAME_HEADER];
  int rc;
  /*
  ** Page number 0: the checksum rewrite at commit met a damaged frame, which it
  ** read as zeros. It must not come back as a valid one.
  */
  if (all_zero(in, 4)) return SQLITE_IOERR_WRITE;
  memcpy(sealed, in, FRAME_HEADER);
  /* In clear the checksum, linear in the plaintext, would give away 64 bits of each page. */
  if (ingleHeaderSeal(f->keys, sealed + 8)) return SQLITE_IOERR_WRITE;
  rc = ON_FILE(f, xWrite, sealed, FRAME_HEADER, at);
  if (rc == SQLITE_OK) {
    memcpy(f->header, in, FRAME_HEADER);
    f->fresh = at;
  }
  return rc;
}

static int header_get(File *f, unsigned char *header, sqlite3_int64 at) {
  int rc = ON_FILE(f, xRead, header, FRAME_HEADER, at);
  if (rc != SQLITE_OK) return rc;
  return ingleHeaderOpen(f->keys, header + 8) ? SQLITE_IOERR_READ : SQLITE_OK;
}

static int wal_write(File *f, const unsigned char *in, int n, sqlite3_int64 at) {
  unsigned char header[FRAME_HEADER], aad[17];
  sqlite3_int64 start, fresh = f->fresh;
  f->fresh = -1; /* only the write right after a header may trust the copy of it */
  if (n <= 0 || at < 0) return SQLITE_IOERR_WRITE;
  if (at < WAL_HEADER) return at + n > WAL_HEADER ? SQLITE_IOERR_WRITE : ON_FILE(f, xWrite, in, n, at);
  start = frame_start(at);
  if (at == start && n == FRAME_HEADER) return header_put(f, in, at);
  if (at != start + FRAME_HEADER || n != PAGE) return SQLITE_IOERR_WRITE;
  if (!all_zero(in + PAGE - RESERVED, RESERVED)) return SQLITE_IOERR_WRITE;
  if (fresh == start) memcpy(header, f->header, FRAME_HEADER);
  else if (header_get(f, header, start) != SQLITE_OK) return SQLITE_IOERR_WRITE;
  if (frame_aad(f, header, aad) != SQLITE_OK) return SQLITE_IOERR_WRITE;
  memcpy(f->scratch, in, PAGE);
  if (inglePageSeal(f->keys, f->scratch, aad, sizeof aad)) return SQLITE_IOERR_WRITE;
  return ON_FILE(f, xWrite, f->scratch, PAGE, at);
}

/* Reads the whole frame at start into scratch, in plain; on any error scratch is zero. */
static int frame_get(File *f, sqlite3_int64 start) {
  unsigned char aad[17];
  unsigned char *page = f->scratch + FRAME_HEADER;
  int rc = ON_FILE(f, xRead, f->scratch, FRAME, start);
  if (rc == SQLITE_OK && ingleHeaderOpen(f->keys, f->scratch + 8)) rc = SQLITE_IOERR_READ;
  if (rc == SQLITE_OK) rc = frame_aad(f, f->scratch, aad);
  if (rc == SQLITE_OK && inglePageOpen(f->keys, page, aad, sizeof aad)) rc = SQLITE_IOERR_DATA;
  if (rc != SQLITE_OK) memset(f->scratch, 0, FRAME);
  else memset(page + PAGE - RESERVED, 0, RESERVED);
  return rc;
}

static int wal_read(File *f, unsigned char *out, int n, sqlite3_int64 at) {
  unsigned char header[FRAME_HEADER];
  sqlite3_int64 start;
  int from, rc;
  f->fresh = -1;
  if (n <= 0 || at < 0) return SQLITE_IOERR_READ;
  if (at < WAL_HEADER) return at + n > WAL_HEADER ? SQLITE_IOERR_READ : ON_FILE(f, xRead, out, n, at);
  start = frame_start(at);
  from = (int)(at - start);
  if (from + n > FRAME) return SQLITE_IOERR_READ;
  if (from + n <= FRAME_HEADER) {
    rc = header_get(f, header, start);
    if (rc == SQLITE_OK) memcpy(out, header + from, n);
    else memset(out, 0, n);
    return rc;
  }
  rc = frame_get(f, start);
  memcpy(out, f->scratch + from, n);
  /*
  ** From offset 0 reads only the scan after a crash (and the checksum rewrite,
  ** see header_put). A bad frame there is a torn write: zeros do not carry the
  ** salts, so SQLite ends the log before it. Live reads start at the page.
  */
  return rc == SQLITE_IOERR_DATA && from == 0 ? SQLITE_OK : rc;
}

/* ---- methods of an open file ------------------------------------------- */

static int x_read(sqlite3_file *p, void *out, int n, sqlite3_int64 at) {
  File *f = (File *)p;
  return f->kind == DATABASE ? db_read(f, out, n, at) : wal_read(f, out, n, at);
}
static int x_write(sqlite3_file *p, const void *in, int n, sqlite3_int64 at) {
  File *f = (File *)p;
  if (f->frozen) return SQLITE_READONLY;
  return f->kind == DATABASE ? db_write(f, in, n, at) : wal_write(f, in, n, at);
}
static int x_truncate(sqlite3_file *p, sqlite3_int64 to) {
  File *f = (File *)p;
  if (f->frozen) return SQLITE_READONLY;
  f->fresh = -1;
  return f->kind == DATABASE ? db_truncate(f, to) : ON_FILE(f, xTruncate, to);
}

/* Wiped through a volatile pointer: the compiler would drop a memset before free. */
static void drop_scratch(File *f) {
  volatile unsigned char *p = f->scratch;
  int i;
  for (i = 0; i < FRAME; i++) p[i] = 0;
  sqlite3_free(f->scratch);
  f->scratch = 0;
}

static void drop_index(File *f);

static int x_close(sqlite3_file *p) {
  File *f = (File *)p;
  int rc = ON_FILE(f, xClose);
  drop_scratch(f);
  drop_index(f);
  p->pMethods = 0;
  return rc;
}

static int x_sync(sqlite3_file *p, int flags) { return ON_FILE(p, xSync, flags); }
static int x_size(sqlite3_file *p, sqlite3_int64 *n) { return ON_FILE(p, xFileSize, n); }
static int x_lock(sqlite3_file *p, int level) { return ON_FILE(p, xLock, level); }
static int x_unlock(sqlite3_file *p, int level) { return ON_FILE(p, xUnlock, level); }
static int x_reserved(sqlite3_file *p, int *out) { return ON_FILE(p, xCheckReservedLock, out); }
static int x_control(sqlite3_file *p, int op, void *arg) {
  switch (op) {
    /* The host would preallocate zero bytes, which do not authenticate. */
    case SQLITE_FCNTL_SIZE_HINT:
    case SQLITE_FCNTL_CHUNK_SIZE:
      return SQLITE_OK;
    case SQLITE_FCNTL_MMAP_SIZE:
      return SQLITE_NOTFOUND;
  }
  return ON_FILE(p, xFileControl, op, arg);
}
static int x_sector(sqlite3_file *p) { return ON_FILE(p, xSectorSize); }
/*
** POWERSAFE_OVERWRITE stops SQLite from padding the WAL to sectors and from
** splitting page writes; without SUBPAGE_READ it reads whole pages. A sealed
** page is not written atomically, whatever the disk says.
*/
static int x_device(sqlite3_file *p) {
  int bits = ON_FILE(p, xDeviceCharacteristics);
  bits &= ~(SQLITE_IOCAP_ATOMIC_ANY | SQLITE_IOCAP_BATCH_ATOMIC | SQLITE_IOCAP_SUBPAGE_READ);
  return bits | SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}
/*
** A frozen file is opened for reading, where the host would keep the wal-index on
** disk. Nobody writes, so each connection can have one of its own, without locks.
*/
static int frozen_index(File *f, int region, int size, int extend, void volatile **out) {
  *out = 0;
  if (region >= INDEX_REGIONS) return SQLITE_NOMEM;
  if (!f->index[region] && extend) {
    f->index[region] = sqlite3_malloc(size);
    if (!f->index[region]) return SQLITE_NOMEM;
    memset(f->index[region], 0, size);
  }
  *out = f->index[region];
  return SQLITE_OK;
}
static void drop_index(File *f) {
  int i;
  for (i = 0; i < INDEX_REGIONS; i++) {
    sqlite3_free(f->index[i]);
    f->index[i] = 0;
  }
}
static int x_shm_map(sqlite3_file *p, int region, int size, int extend, void volatile **out) {
  File *f = (File *)p;
  return f->frozen ? frozen_index(f, region, size, extend, out) : ON_FILE(p, xShmMap, region, size, extend, out);
}
static int x_shm_lock(sqlite3_file *p, int at, int n, int flags) {
  return ((File *)p)->frozen ? SQLITE_OK : ON_FILE(p, xShmLock, at, n, flags);
}
static void x_shm_barrier(sqlite3_file *p) {
  if (!((File *)p)->frozen) ON_FILE(p, xShmBarrier);
}
static int x_shm_unmap(sqlite3_file *p, int del) {
  if (!((File *)p)->frozen) return ON_FILE(p, xShmUnmap, del);
  drop_index((File *)p);
  return SQLITE_OK;
}

/* Version 2: with xFetch SQLite would memory-map the file and read ciphertext. */
static const sqlite3_io_methods methods = {
    2,         x_close,   x_read,     x_write,    x_truncate,    x_sync,     x_size,
    x_lock,    x_unlock,  x_reserved, x_control,  x_sector,      x_device,   x_shm_map,
    x_shm_lock, x_shm_barrier, x_shm_unmap,
};

/* ---- methods of the VFS ------------------------------------------------ */

/*
** The host's file for a frozen one: for reading, so that a read-only disk will do.
** A log that is missing is an empty one; SQLite would create it.
*/
static int open_frozen(sqlite3_vfs *host, const char *name, File *f, int flags) {
  static const char nothing[] = "/dev/null\0\0\0";
  int rc, there = 0;
  flags = (flags & ~(SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE)) | SQLITE_OPEN_READONLY;
  if (f->kind == WAL) {
    rc = host->xAccess(host, name, 0, &there);
    if (rc != SQLITE_OK) return rc;
    if (!there) name = nothing;
  }
  return host->xOpen(host, name, f->real, flags, 0);
}

static int open_writable(sqlite3_vfs *host, const char *name, File *f, int flags, int *got) {
  int rc = host->xOpen(host, name, f->real, flags, got);
  /* A host that may not write falls back to reading; its wal-index would be a -shm file. */
  return rc == SQLITE_OK && *got & SQLITE_OPEN_READONLY ? SQLITE_READONLY : rc;
}

/*
** Fails closed: a database or its WAL, for writing, and nothing else. Rollback
** journals, statement journals and temp files are refused; they would be
** plaintext. Read-only is refused because the host then keeps its wal-index in
** a -shm file on disk; a frozen VFS says that it may write, and does not.
*/
static int v_open(sqlite3_vfs *v, const char *name, sqlite3_file *p, int flags, int *out) {
  File *f = (File *)p;
  sqlite3_vfs *host = below(v)->host;
  int rc, got = flags;
  p->pMethods = 0;
  if (!name || flags & SQLITE_OPEN_READONLY) return SQLITE_CANTOPEN;
  if (flags & SQLITE_OPEN_MAIN_DB) f->kind = DATABASE;
  else if (flags & SQLITE_OPEN_WAL) f->kind = WAL;
  else return SQLITE_CANTOPEN;
  f->keys = below(v)->keys;
  f->frozen = below(v)->frozen;
  f->fresh = -1;
  memset(f->index, 0, sizeof f->index);
  f->real = (sqlite3_file *)(f + 1);
  f->real->pMethods = 0;
  f->scratch = sqlite3_malloc(FRAME);
  if (!f->scratch) return SQLITE_NOMEM;
  rc = f->frozen ? open_frozen(host, name, f, flags) : open_writable(host, name, f, flags, &got);
  if (rc != SQLITE_OK) {
    if (f->real->pMethods) ON_FILE(f, xClose);
    drop_scratch(f);
    return rc;
  }
  if (out) *out = got;
  p->pMethods = &methods;
  return SQLITE_OK;
}

static int v_delete(sqlite3_vfs *v, const char *name, int sync) {
  return below(v)->frozen ? SQLITE_READONLY : ON_HOST(v, xDelete, name, sync);
}
static int v_access(sqlite3_vfs *v, const char *name, int how, int *out) { return ON_HOST(v, xAccess, name, how, out); }
static int v_full(sqlite3_vfs *v, const char *name, int n, char *out) { return ON_HOST(v, xFullPathname, name, n, out); }
static int v_random(sqlite3_vfs *v, int n, char *out) { return ON_HOST(v, xRandomness, n, out); }
static int v_sleep(sqlite3_vfs *v, int us) { return ON_HOST(v, xSleep, us); }
static int v_time(sqlite3_vfs *v, double *t) { return ON_HOST(v, xCurrentTime, t); }
static int v_error(sqlite3_vfs *v, int n, char *out) { return ON_HOST(v, xGetLastError, n, out); }
static int v_time64(sqlite3_vfs *v, sqlite3_int64 *t) { return ON_HOST(v, xCurrentTimeInt64, t); }

int ingle_vfs_register(const char *name, const char *host_name, uintptr_t keys, int frozen) {
  sqlite3_vfs *host, *v;
  Below *b;
  char *own;
  size_t n = strlen(name) + 1;
  if (!sqlite3_vfs_find || !sqlite3_vfs_register || !sqlite3_malloc || !sqlite3_free) return 1;
  host = sqlite3_vfs_find(host_name);
  if (!host || host->iVersion < 2) return 2;
  /* One block, never freed: a connection may outlive the vault's lock. */
  v = sqlite3_malloc((int)(sizeof *v + sizeof *b + n));
  if (!v) return 3;
  b = (Below *)(v + 1);
  own = (char *)(b + 1);
  memcpy(own, name, n);
  *b = (Below){host, keys, frozen};
  /* Version 2 and no dynamic-library methods: extensions cannot load. */
  *v = (sqlite3_vfs){
      .iVersion = 2, .szOsFile = (int)sizeof(File) + host->szOsFile, .mxPathname = host->mxPathname,
      .zName = own, .pAppData = b, .xOpen = v_open, .xDelete = v_delete, .xAccess = v_access,
      .xFullPathname = v_full, .xRandomness = v_random, .xSleep = v_sleep, .xCurrentTime = v_time,
      .xGetLastError = v_error, .xCurrentTimeInt64 = v_time64,
  };
  return sqlite3_vfs_register(v, 0) == SQLITE_OK ? 0 : 4;
}
