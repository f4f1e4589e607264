package selftest

import (
	"fmt"

	"golang.org/x/sys/windows"
)

// systemName returns the version of Windows with its build number, which is more
// specific.
func systemName() string {
	v := windows.RtlGetVersion()
	return fmt.Sprintf("Windows %d.%d build %d", v.MajorVersion, v.MinorVersion, v.BuildNumber)
}
