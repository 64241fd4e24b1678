package powercut

import (
	"bytes"
	"context"
	"fmt"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// Mount shows the disk at dir until the function that it gives is called. It needs
// /dev/fuse and the right to mount.
func (d *Disk) Mount(dir string) (unmount func() error, err error) {
	zero := time.Duration(0) // the kernel asks every time
	server, err := fs.Mount(dir, &folder{disk: d, file: d.root}, &fs.Options{
		EntryTimeout: &zero, AttrTimeout: &zero,
		MountOptions: fuse.MountOptions{DirectMountStrict: true, FsName: "powercut", Name: "powercut"},
	})
	if err != nil {
		return nil, fmt.Errorf("powercut: mount: %w", err)
	}
	return server.Unmount, nil
}

type folder struct {
	fs.Inode
	disk *Disk
	file *file
}

type node struct {
	fs.Inode
	disk *Disk
	file *file
}

func (n *folder) child(ctx context.Context, f *file, out *fuse.EntryOut) *fs.Inode {
	if f.folder {
		out.Mode = syscall.S_IFDIR | 0o700
		return n.NewInode(ctx, &folder{disk: n.disk, file: f}, fs.StableAttr{Mode: syscall.S_IFDIR, Ino: f.number + 1})
	}
	out.Mode = syscall.S_IFREG | 0o600
	out.Size, out.Nlink = n.disk.size(f)
	return n.NewInode(ctx, &node{disk: n.disk, file: f}, fs.StableAttr{Mode: syscall.S_IFREG, Ino: f.number + 1})
}

// Lookup finds a file by its name.
func (n *folder) Lookup(ctx context.Context, name string, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	f := n.disk.open(n.file, name)
	if f == nil {
		return nil, syscall.ENOENT
	}
	return n.child(ctx, f, out), 0
}

// Getattr makes the folder its owner's.
func (n *folder) Getattr(_ context.Context, _ fs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	out.Mode = syscall.S_IFDIR | 0o700
	return 0
}

// Setattr takes a mode that the folder has already.
func (n *folder) Setattr(context.Context, fs.FileHandle, *fuse.SetAttrIn, *fuse.AttrOut) syscall.Errno {
	return 0
}

// Create makes an empty file.
func (n *folder) Create(ctx context.Context, name string, _, _ uint32, out *fuse.EntryOut) (*fs.Inode, fs.FileHandle, uint32, syscall.Errno) {
	f, errno := n.disk.create(n.file, name, false)
	if errno != 0 {
		return nil, nil, 0, errno
	}
	return n.child(ctx, f, out), nil, 0, 0
}

// Mkdir makes an empty folder.
func (n *folder) Mkdir(ctx context.Context, name string, _ uint32, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	f, errno := n.disk.create(n.file, name, true)
	if errno != 0 {
		return nil, errno
	}
	return n.child(ctx, f, out), 0
}

// Unlink frees a name.
func (n *folder) Unlink(_ context.Context, name string) syscall.Errno {
	return n.disk.remove(n.file, name)
}

// Rmdir frees the name of an empty folder.
func (n *folder) Rmdir(_ context.Context, name string) syscall.Errno {
	return n.disk.remove(n.file, name)
}

// Rename puts a file in the place of another.
func (n *folder) Rename(_ context.Context, from string, in fs.InodeEmbedder, to string, flags uint32) syscall.Errno {
	other, ok := in.(*folder)
	if flags != 0 || !ok {
		return syscall.EINVAL
	}
	return n.disk.rename(n.file, from, other.file, to)
}

// Readdir lists the files.
func (n *folder) Readdir(context.Context) (fs.DirStream, syscall.Errno) {
	var list []fuse.DirEntry
	for name, f := range n.disk.list(n.file) {
		mode := uint32(syscall.S_IFREG)
		if f.folder {
			mode = syscall.S_IFDIR
		}
		list = append(list, fuse.DirEntry{Name: name, Mode: mode, Ino: f.number + 1})
	}
	return fs.NewListDirStream(list), 0
}

// Fsync makes the names safe.
func (n *folder) Fsync(context.Context, fs.FileHandle, uint32) syscall.Errno {
	return n.disk.syncFolder(n.file)
}

// Open needs no handle. Nothing is cached: every read and write comes here.
func (n *node) Open(context.Context, uint32) (fs.FileHandle, uint32, syscall.Errno) {
	return nil, 0, 0
}

// Read reads what was written last, synced or not.
func (n *node) Read(_ context.Context, _ fs.FileHandle, dest []byte, off int64) (fuse.ReadResult, syscall.Errno) {
	return fuse.ReadResultData(n.disk.read(n.file, dest, off)), 0
}

// Write notes the bytes, which are not safe before the next Fsync.
func (n *node) Write(_ context.Context, _ fs.FileHandle, b []byte, off int64) (uint32, syscall.Errno) {
	if errno := n.disk.change(n.file, change{off, bytes.Clone(b)}); errno != 0 {
		return 0, errno
	}
	return uint32(len(b)), 0
}

// Fsync makes the file's content safe, but not its name.
func (n *node) Fsync(context.Context, fs.FileHandle, uint32) syscall.Errno {
	return n.disk.sync(n.file)
}

// Flush is of close(2), which makes nothing safe.
func (n *node) Flush(context.Context, fs.FileHandle) syscall.Errno { return 0 }

// Getattr gives the size.
func (n *node) Getattr(_ context.Context, _ fs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	out.Mode = syscall.S_IFREG | 0o600
	out.Size, out.Nlink = n.disk.size(n.file)
	return 0
}

// Setattr changes the size; owner, mode and times are nothing here.
func (n *node) Setattr(ctx context.Context, f fs.FileHandle, in *fuse.SetAttrIn, out *fuse.AttrOut) syscall.Errno {
	if size, ok := in.GetSize(); ok {
		if errno := n.disk.change(n.file, change{at: int64(size)}); errno != 0 {
			return errno
		}
	}
	return n.Getattr(ctx, f, out)
}
