package store

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/bgtask/bgtask/task"
)

// networks are the file systems that machines share, keyed by the magic number of
// statfs(2). Their locks and shared memory do not keep a second broker out.
var networks = map[uint32]string{
	0x6969:     "NFS",
	0x517b:     "SMB",
	0xfe534d42: "SMB",
	0xff534d42: "CIFS",
	0x01021997: "9p",
	0x5346414f: "AFS",
	0x6b414653: "AFS",
	0x73757245: "Coda",
	0x564c:     "NCP",
	0x00c36400: "Ceph",
	0x01161970: "GFS2",
	0x7461636f: "OCFS2",
	0x0bd00bd0: "Lustre",
	0x20030528: "OrangeFS",
	0x47504653: "GPFS",
	0x19830326: "BeeGFS",
	0x786f4256: "VirtualBox shared folder",
	0xbacbacbc: "VMware shared folder",
}

const fuseMagic = 0x65735546

// remoteKinds are the FUSE file systems that access another machine. Others, such as
// gocryptfs, are as reliable as the file system below them.
var remoteKinds = []string{"sshfs", "rclone", "s3fs", "glusterfs", "davfs", "curlftpfs", "gvfsd-fuse", "ceph", "ceph-fuse", "smbnetfs",
	"goofys", "gcsfuse", "juicefs", "mfs", "seaweedfs", "vmhgfs-fuse"}

// checkLocal refuses a directory that other machines may share.
func checkLocal(dir, setting string) error {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return fmt.Errorf("find the file system of %s: %w", dir, err)
	}
	magic := uint32(st.Type)
	kind := networks[magic]
	if magic == fuseMagic {
		kind = fuseKind(dir)
	}
	if kind == "" {
		return nil
	}
	return refuseNetwork(dir, kind, setting)
}

func refuseNetwork(dir, kind, setting string) error {
	return &task.Error{Op: "open the store", Subject: dir, Err: ErrNetwork,
		Detail: ErrNetwork.Error() + " (" + kind + "); a state directory belongs to one machine",
		Hint:   "put it on a local file system with " + setting}
}

// fuseKind returns the name of the remote file system that FUSE mounts at dir. It
// returns "" if there is none, or if it cannot be determined.
func fuseKind(dir string) string {
	f, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return ""
	}
	defer f.Close()
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		dir = real
	}
	return remoteFuse(f, dir)
}

// remoteFuse looks for the mount that contains dir: the one with the longest path, and
// of those the last.
func remoteFuse(mountinfo io.Reader, dir string) string {
	best, kind := "", ""
	for lines := bufio.NewScanner(mountinfo); lines.Scan(); {
		point, fstype, ok := parseMount(lines.Text())
		if ok && within(dir, point) && len(point) >= len(best) {
			best, kind = point, fstype
		}
	}
	name, fuse := strings.CutPrefix(kind, "fuse.")
	if fuse && slices.Contains(remoteKinds, name) {
		return name
	}
	return ""
}

// parseMount reads the mount point and the type from a line of mountinfo(5).
func parseMount(line string) (point, fstype string, ok bool) {
	front, back, ok := strings.Cut(line, " - ")
	fields, kinds := strings.Fields(front), strings.Fields(back)
	if !ok || len(fields) < 5 || len(kinds) < 1 {
		return "", "", false
	}
	return unescape.Replace(fields[4]), kinds[0], true
}

var unescape = strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`)

func within(path, point string) bool {
	return point == "/" || path == point || strings.HasPrefix(path, point+"/")
}
