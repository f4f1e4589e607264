package winrt

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/windows"

	"github.com/bgtask/bgtask/internal/com"
)

var (
	kernel32                = windows.NewLazySystemDLL("kernel32.dll")
	getCurrentPackageFamily = kernel32.NewProc("GetCurrentPackageFamilyName")
	longestFamily           = 64 + 1               // PACKAGE_FAMILY_NAME_MAX_LENGTH and a NUL
	errNoPackage            = syscall.Errno(15700) // APPMODEL_ERROR_NO_PACKAGE
)

// PackageFamily returns the family name of the process's package, or "" if the
// process has no package identity.
func PackageFamily() (string, error) {
	if getCurrentPackageFamily.Find() != nil {
		return "", nil // before Windows 8 there are no packages
	}
	name := make([]uint16, longestFamily)
	n := uint32(len(name))
	r, _, _ := getCurrentPackageFamily.Call(uintptr(unsafe.Pointer(&n)), uintptr(unsafe.Pointer(&name[0])))
	switch syscall.Errno(r) {
	case 0:
		return windows.UTF16ToString(name), nil
	case errNoPackage:
		return "", nil
	}
	return "", com.FromWin32(uint32(r))
}
