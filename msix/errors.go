package msix

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
)

// Reasons why a package is rejected, for errors.Is.
var (
	ErrFormat       = errors.New("not an .msix package")
	ErrTruncated    = errors.New("the package ends too early")
	ErrTrailing     = errors.New("there is data after the end of the package")
	ErrTwoEnds      = errors.New("the package has two end records")
	ErrHidden       = errors.New("bytes of the package do not belong to any part")
	ErrOverlap      = errors.New("parts of the package overlap")
	ErrHeader       = errors.New("two descriptions of a part disagree")
	ErrName         = errors.New("a part has a forbidden name")
	ErrDuplicate    = errors.New("two parts are the same file")
	ErrLink         = errors.New("a part is not a regular file")
	ErrBomb         = errors.New("the package is suspiciously small for its unpacked size")
	ErrLimit        = errors.New("a limit is exceeded")
	ErrUnsupported  = errors.New("the package is of an unsupported kind")
	ErrMissing      = errors.New("a part is missing")
	ErrManifest     = errors.New("the manifest is not valid")
	ErrBlockMap     = errors.New("the block map is not valid")
	ErrContentTypes = errors.New("the list of content types is not valid")
	ErrContent      = errors.New("a file does not match the block map")

	ErrUnsigned  = errors.New("the package is not signed")
	ErrSigned    = errors.New("the package is signed already")
	ErrSignature = errors.New("the signature is not valid")
	ErrDigest    = errors.New("the package was changed after it was signed")
	ErrPublisher = errors.New("the publisher is not the signer")
	ErrPurpose   = errors.New("the certificate is not for signing programs")
	ErrValidity  = errors.New("the certificate is not valid at this time")
	ErrUntrusted = errors.New("the certificate is not trusted")
	ErrTimestamp = errors.New("the time stamp is not valid")
	ErrKey       = errors.New("the key or certificate cannot be used")
)

// Error is the error type of this package. Every field except Err may be empty.
type Error struct {
	Part   string // the part of the package, or the file, that the error is about
	Err    error  // one of the sentinel errors
	Detail string // a description without a final period
	Hint   string // what to do about it
}

// Error returns "part: detail" in one line.
func (e *Error) Error() string {
	s := e.Detail
	if s == "" && e.Err != nil {
		s = e.Err.Error()
	}
	if e.Part != "" {
		s = show(e.Part) + ": " + s
	}
	return s
}

// Unwrap returns the sentinel error.
func (e *Error) Unwrap() error { return e.Err }

func fault(part string, sentinel error, format string, args ...any) error {
	return &Error{Part: part, Err: sentinel, Detail: fmt.Sprintf(format, args...)}
}

// show makes text from a package safe to print in one line.
func show(s string) string {
	const most = 120
	if r := []rune(s); len(r) > most {
		s = string(r[:most]) + "..."
	}
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, s)
}
