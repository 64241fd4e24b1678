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
	"strings"
	"sync"
	"syscall"
)

// sector is what a disk writes whole, in bytes.
const sector = 512

// Disk is a folder of files and folders.
type Disk struct {
	mu     sync.Mutex
	lies   bool // an fsync does nothing: the control
	root   *file
	now    names
	safe   names         // as those moves left it that come before the first unsafe one
	moves  []move        // since then
	last   uint64        // number of the newest file
	broken syscall.Errno // what every change and fsync answers; 0 for a disk that works
	seen   func()        // called at each change and fsync, with mu held
}

// file is a file, or a folder, which has names and no content.
type file struct {
	number  uint64
	folder  bool
	content []byte
	synced  []byte
	changes []change // since then
}

// names are what is in each folder.
type names map[*file]map[string]*file

// change is a write, or a cut to size if there are no bytes.
type change struct {
	at    int64
	bytes []byte
}

// move is a change of folders: a name in one that now means f, or nothing if f is nil,
// and a name in another, or the same, that is free since. Of the two a disk does both or
// none.
type move struct {
	in    *file
	name  string
	f     *file
	from  *file
	freed string
	safe  bool // one of the folders was synced since
}

// NewDisk gives a disk on which content, by its paths, is safe. The path of an empty
// folder ends in a slash.
func NewDisk(content map[string][]byte, lies bool) *Disk {
	d := &Disk{root: &file{folder: true}, now: make(names)}
	for path, b := range content {
		in := d.root
		parts := strings.Split(path, "/")
		for _, part := range parts[:len(parts)-1] {
			next := d.now[in][part]
			if next == nil {
				next, _ = d.create(in, part, true)
			}
			in = next
		}
		if name := parts[len(parts)-1]; name != "" {
			f, _ := d.create(in, name, false)
			f.content, f.synced = bytes.Clone(b), bytes.Clone(b)
		}
	}
	d.safe, d.moves, d.lies = d.now.clone(), nil, lies
	return d
}

func (n names) clone() names {
	all := make(names, len(n))
	for folder, list := range n {
		all[folder] = maps.Clone(list)
	}
	return all
}

// has tells whether a folder is in another, or is it.
func (n names) has(in, folder *file) bool {
	if in == folder {
		return true
	}
	for _, f := range n[in] {
		if f.folder && n.has(f, folder) {
			return true
		}
	}
	return false
}

func (m move) do(n names) {
	if m.freed != "" {
		delete(n[m.from], m.freed)
	}
	if m.f != nil {
		if n[m.in] == nil {
			n[m.in] = make(map[string]*file)
		}
		n[m.in][m.name] = m.f
	}
}

// Cut gives the content of the disk after a power cut at this moment, which of the
// many possible ones r decides. The disk itself goes on.
func (d *Disk) Cut(r *rand.Rand) map[string][]byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.cut(r)
}

func (d *Disk) cut(r *rand.Rand) map[string][]byte {
	kept := r.IntN(len(d.moves) + 1)
	inOrder := r.IntN(2) == 0
	return d.left(func(i int) bool {
		return inOrder && i < kept || !inOrder && r.IntN(2) == 0
	}, func(f *file) []byte { return f.after(r) })
}

// worst gives what an unlucky cut leaves: of names and of content all that was not
// synced is there, or nothing.
func (d *Disk) worst() (all []map[string][]byte) {
	for _, names := range []bool{false, true} {
		for _, content := range []bool{false, true} {
			all = append(all, d.left(func(int) bool { return names }, func(f *file) []byte {
				if content {
					return bytes.Clone(f.content)
				}
				return bytes.Clone(f.synced)
			}))
		}
	}
	return all
}

// left gives the content by its paths if some of the unsafe moves were done. One from
// folder to folder was not if the other has no name itself: what leaves one place is
// somewhere.
func (d *Disk) left(done func(i int) bool, content func(*file) []byte) map[string][]byte {
	n := d.safe.clone()
	for i, m := range d.moves {
		between := m.f != nil && m.from != nil && m.in != m.from
		if (m.safe || done(i)) && (!between || n.has(d.root, m.in)) {
			m.do(n)
		}
	}
	found := make(map[string][]byte)
	n.collect(d.root, "", content, found)
	return found
}

func (n names) collect(in *file, path string, content func(*file) []byte, found map[string][]byte) {
	for name, f := range n[in] {
		if f.folder {
			found[path+name+"/"] = nil
			n.collect(f, path+name+"/", content, found)
		} else {
			found[path+name] = content(f)
		}
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

// Watch has seen called at each change and fsync, before anything else happens to the
// disk.
func (d *Disk) Watch(seen func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.seen = seen
}

// happened ends each change.
func (d *Disk) happened() {
	if d.seen != nil {
		d.seen()
	}
}

// The calls of the file system.

func (d *Disk) open(in *file, name string) *file {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.now[in][name]
}

func (d *Disk) create(in *file, name string, folder bool) (*file, syscall.Errno) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.broken != 0 {
		return nil, d.broken
	}
	d.last++
	f := &file{number: d.last, folder: folder}
	d.move(move{in: in, name: name, f: f})
	return f, 0
}

func (d *Disk) move(m move) {
	m.do(d.now)
	d.moves = append(d.moves, m)
	d.happened()
}

func (d *Disk) remove(in *file, name string) syscall.Errno {
	d.mu.Lock()
	defer d.mu.Unlock()
	f := d.now[in][name]
	switch {
	case f == nil:
		return syscall.ENOENT
	case len(d.now[f]) > 0:
		return syscall.ENOTEMPTY
	case d.broken == 0:
		d.move(move{from: in, freed: name})
	}
	return d.broken
}

func (d *Disk) rename(from *file, name string, in *file, to string) syscall.Errno {
	d.mu.Lock()
	defer d.mu.Unlock()
	f := d.now[from][name]
	switch {
	case f == nil:
		return syscall.ENOENT
	case len(d.now[d.now[in][to]]) > 0:
		return syscall.ENOTEMPTY
	case d.broken == 0:
		d.move(move{in: in, name: to, f: f, from: from, freed: name})
	}
	return d.broken
}

func (d *Disk) list(in *file) map[string]*file {
	d.mu.Lock()
	defer d.mu.Unlock()
	return maps.Clone(d.now[in])
}

// syncFolder makes the names in a folder safe, and with a name that came from another
// or went there what became of it in that one.
func (d *Disk) syncFolder(in *file) syscall.Errno {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.broken != 0 || d.lies {
		return d.broken
	}
	for i := range d.moves {
		m := &d.moves[i]
		m.safe = m.safe || m.in == in || m.from == in
	}
	for len(d.moves) > 0 && d.moves[0].safe {
		d.moves[0].do(d.safe)
		d.moves = d.moves[1:]
	}
	d.happened()
	return 0
}

func (d *Disk) sync(f *file) syscall.Errno {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.lies && d.broken == 0 {
		f.synced, f.changes = bytes.Clone(f.content), nil
		d.happened()
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
	d.happened()
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

// size is a file's, and how many names it has.
func (d *Disk) size(f *file) (size uint64, links uint32) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, list := range d.now {
		for _, g := range list {
			if f == g {
				links++
			}
		}
	}
	return uint64(len(f.content)), links
}
