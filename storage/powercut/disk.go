// Package powercut runs the store on a disk that loses what it may lose.
//
// The disk is a FUSE file system that remembers what was written since the last
// fsync of each file and of the folder. At a power cut it gives a state in which a
// real disk may be found: of what was not synced any part is there, in any order,
// torn between sectors. It is a module of its own, so that the hub does not
// depend on go-fuse.
package powercut

import (
	"bytes"
	"maps"
	"math/rand/v2"
	"sync"
	"syscall"
)

// sector is what a disk writes whole, in bytes.
const sector = 512

// Disk is one folder of files.
type Disk struct {
	mu     sync.Mutex
	lies   bool // an fsync does nothing: the control
	files  map[string]*file
	synced map[string]*file // as the last fsync of the folder left it
	moves  []move           // since then
	last   uint64           // number of the newest file
	broken syscall.Errno    // what every change and fsync answers; 0 for a disk that works
}

type file struct {
	number  uint64
	content []byte
	synced  []byte
	changes []change // since then
}

// change is a write, or a cut to size if there are no bytes.
type change struct {
	at    int64
	bytes []byte
}

// move is a change of the folder: a name that now means f, or nothing if f is nil,
// and a name that is free since.
type move struct {
	name  string
	f     *file
	freed string
}

// NewDisk gives a disk on which content is safe.
func NewDisk(content map[string][]byte, lies bool) *Disk {
	d := &Disk{lies: lies, files: make(map[string]*file)}
	for name, b := range content {
		d.last++
		d.files[name] = &file{number: d.last, content: bytes.Clone(b), synced: bytes.Clone(b)}
	}
	d.synced = maps.Clone(d.files)
	return d
}

// Cut gives the content of the disk after a power cut at this moment, which of the
// many possible ones r decides. The disk itself goes on.
func (d *Disk) Cut(r *rand.Rand) map[string][]byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	names := maps.Clone(d.synced)
	kept := r.IntN(len(d.moves) + 1)
	inOrder := r.IntN(2) == 0
	for i, m := range d.moves {
		if inOrder && i >= kept || !inOrder && r.IntN(2) == 0 {
			continue
		}
		m.do(names)
	}
	found := make(map[string][]byte)
	for name, f := range names {
		found[name] = f.after(r)
	}
	return found
}

func (m move) do(names map[string]*file) {
	if m.freed != "" {
		delete(names, m.freed)
	}
	if m.f != nil {
		names[m.name] = m.f
	}
}

// after gives what a power cut may leave of a file: nothing, all, the first or any
// of the changes, these in any order and in any of their sectors.
func (f *file) after(r *rand.Rand) []byte {
	b := bytes.Clone(f.synced)
	changes := f.changes
	switch r.IntN(5) {
	case 0:
		return b
	case 1:
		return bytes.Clone(f.content)
	case 2:
		for _, c := range changes[:r.IntN(len(changes)+1)] {
			b = c.apply(b)
		}
		return b
	}
	torn := r.IntN(2) == 0
	for _, i := range r.Perm(len(changes)) {
		if r.IntN(2) == 0 {
			continue
		}
		if torn && changes[i].bytes != nil {
			b = changes[i].applySome(b, r)
		} else {
			b = changes[i].apply(b)
		}
	}
	return b
}

func (c change) apply(b []byte) []byte {
	if c.bytes == nil {
		return resize(b, c.at)
	}
	if end := c.at + int64(len(c.bytes)); end > int64(len(b)) {
		b = resize(b, end)
	}
	copy(b[c.at:], c.bytes)
	return b
}

// applySome writes each sector with an even chance.
func (c change) applySome(b []byte, r *rand.Rand) []byte {
	for from := int64(0); from < int64(len(c.bytes)); {
		to := min(int64(len(c.bytes)), from+sector-(c.at+from)%sector)
		if r.IntN(2) == 0 {
			b = change{c.at + from, c.bytes[from:to]}.apply(b)
		}
		from = to
	}
	return b
}

func resize(b []byte, size int64) []byte {
	if size <= int64(len(b)) {
		return b[:size]
	}
	return append(b, make([]byte, size-int64(len(b)))...)
}

// Break makes every change and every fsync fail with errno, until Break(0).
func (d *Disk) Break(errno syscall.Errno) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.broken = errno
}

// The calls of the file system.

func (d *Disk) open(name string) *file {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.files[name]
}

func (d *Disk) create(name string) (*file, syscall.Errno) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.broken != 0 {
		return nil, d.broken
	}
	d.last++
	f := &file{number: d.last}
	d.move(move{name: name, f: f})
	return f, 0
}

func (d *Disk) move(m move) {
	m.do(d.files)
	d.moves = append(d.moves, m)
}

func (d *Disk) remove(name string) syscall.Errno {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.files[name] == nil {
		return syscall.ENOENT
	}
	if d.broken == 0 {
		d.move(move{freed: name})
	}
	return d.broken
}

func (d *Disk) rename(from, to string) syscall.Errno {
	d.mu.Lock()
	defer d.mu.Unlock()
	f := d.files[from]
	if f == nil {
		return syscall.ENOENT
	}
	if d.broken == 0 {
		d.move(move{name: to, f: f, freed: from})
	}
	return d.broken
}

func (d *Disk) names() map[string]uint64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	found := make(map[string]uint64)
	for name, f := range d.files {
		found[name] = f.number
	}
	return found
}

func (d *Disk) syncFolder() syscall.Errno {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.lies && d.broken == 0 {
		d.synced, d.moves = maps.Clone(d.files), nil
	}
	return d.broken
}

func (d *Disk) sync(f *file) syscall.Errno {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.lies && d.broken == 0 {
		f.synced, f.changes = bytes.Clone(f.content), nil
	}
	return d.broken
}

func (d *Disk) change(f *file, c change) syscall.Errno {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.broken != 0 {
		return d.broken
	}
	f.content = c.apply(f.content)
	f.changes = append(f.changes, c)
	return 0
}

func (d *Disk) read(f *file, dest []byte, at int64) []byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	if at >= int64(len(f.content)) {
		return nil
	}
	return dest[:copy(dest, f.content[at:])]
}

func (d *Disk) size(f *file) uint64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return uint64(len(f.content))
}
