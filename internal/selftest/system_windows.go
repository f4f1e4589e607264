package selftest

import (
	"fmt"

	"golang.org/x/sys/windows"
)

// systemName is Windows with its build, which says more than its version.
func systemName() string {
	v := windows.RtlGetVersion()
	return fmt.Sprintf("Windows %d.%d build %d", v.MajorVersion, v.MinorVersion, v.BuildNumber)
}
