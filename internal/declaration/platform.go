package declaration

import (
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"

	"github.com/bgtask/bgtask/task"
)

// Platform is an operating system and an architecture, by their Go names.
type Platform struct{ OS, Arch string }

// Here returns the platform of this machine.
func Here() Platform { return Platform{runtime.GOOS, runtime.GOARCH} }

// String returns a text such as "windows/arm64".
func (p Platform) String() string { return p.OS + "/" + p.Arch }

// ParsePlatform parses a text such as "windows/arm64".
func ParsePlatform(s string) (Platform, error) {
	system, arch, ok := strings.Cut(s, "/")
	if !ok || system != "windows" && system != "linux" || Architecture(arch) == "" || arch == "neutral" {
		return Platform{}, &task.Error{Err: task.ErrInvalid, Detail: fmt.Sprintf("%q is not a supported platform", s), Hint: "use a platform such as windows/amd64 or linux/arm64"}
	}
	return Platform{system, arch}, nil
}

// ExecutableFor returns the path of the program in a package for the platform,
// with slashes.
func (d *Declaration) ExecutableFor(p Platform) string {
	if p.OS == "windows" {
		return d.Executable + ".exe"
	}
	return d.Executable
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
