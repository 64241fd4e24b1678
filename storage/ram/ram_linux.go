package ram

import (
	"fmt"
	"os"
	"reflect"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Seclude forbids core dumps of this process, and other programs of the same user to look into it. It
// comes before anything secret is read: what was looked into before stays known. A program that it
// starts must ask for it itself; only the limit on core dumps is passed on.
func Seclude() error {
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("ram: %w", err)
	}
	// The kernel dumps nothing of such a process. The limit is for whoever makes it dumpable again.
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}); err != nil {
		return fmt.Errorf("ram: %w", err)
	}
	return nil
}

// New gives a T, zero, on a page that is not dumped and, if kept, never swapped. T holds no pointers: Go's
// collector does not look there. It must be given back with Free.
func New[T any]() (p *T, kept bool) {
	if !flat(reflect.TypeFor[T]()) {
		panic("ram: " + reflect.TypeFor[T]().String() + " holds pointers")
	}
	size := sizeOf[T]()
	at, err := secret(size)
	if err == nil {
		return (*T)(at), true
	}
	at, err = unix.MmapPtr(-1, 0, nil, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		panic("ram: " + err.Error()) // no memory is left, as when new fails
	}
	page := unsafe.Slice((*byte)(at), size)
	_ = unix.Madvise(page, unix.MADV_DONTDUMP) // Seclude forbids it anyway
	return (*T)(at), unix.Mlock(page) == nil
}

// sysMemfdSecret is its number on every architecture; x/sys has it for some only.
const sysMemfdSecret = 447

// secret maps memory that not even the kernel reads for others: memfd_secret(2).
func secret(size uintptr) (unsafe.Pointer, error) {
	fd, _, fault := unix.Syscall(sysMemfdSecret, unix.O_CLOEXEC, 0, 0)
	if fault != 0 {
		return nil, fault
	}
	defer unix.Close(int(fd))
	if err := unix.Ftruncate(int(fd), int64(size)); err != nil {
		return nil, err
	}
	return unix.MmapPtr(int(fd), 0, nil, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
}

// Free wipes what New gave and gives it back; nobody may look at it again.
func Free[T any](p *T) {
	size := sizeOf[T]()
	clear(unsafe.Slice((*byte)(unsafe.Pointer(p)), size))
	if err := unix.MunmapPtr(unsafe.Pointer(p), size); err != nil {
		panic("ram: " + err.Error()) // it is not of New
	}
}

// sizeOf is the pages that a T takes.
func sizeOf[T any]() uintptr {
	var t T
	page := uintptr(os.Getpagesize())
	return (unsafe.Sizeof(t) + page - 1) / page * page
}

// flat says whether a type is made of bytes and numbers alone.
func flat(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Array:
		return flat(t.Elem())
	case reflect.Struct:
		for i := range t.NumField() {
			if !flat(t.Field(i).Type) {
				return false
			}
		}
		return true
	}
	return t.Kind() >= reflect.Bool && t.Kind() <= reflect.Complex128 && t.Kind() != reflect.Uintptr
}
