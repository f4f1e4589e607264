package winbroker

import (
	"errors"

	"golang.org/x/sys/windows"
)

// busy reports whether a file is open elsewhere.
func busy(err error) bool {
	return errors.Is(err, windows.ERROR_SHARING_VIOLATION) || errors.Is(err, windows.ERROR_ACCESS_DENIED)
}
