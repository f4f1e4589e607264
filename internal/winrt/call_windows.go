package winrt

import (
	"fmt"
	"strings"
	"unsafe"

	"github.com/bgtask/bgtask/internal/com"
)

// call calls a method of u, which must point to this interface. As for
// com.Unknown.Call, addresses must be converted in the call expression itself.
//
//go:uintptrescapes
func (i *Interface) call(u *com.Unknown, method string, args ...uintptr) error {
	return i.wrap(method, u.Call(i.Slot(method), args...))
}

// wrap adds the name of the failed call to an error.
func (i *Interface) wrap(method string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s.%s: %w", i.short(), method, err)
}

func (i *Interface) text(u *com.Unknown, method string) (string, error) {
	s, err := u.Text(i.Slot(method))
	return s, i.wrap(method, err)
}

func (i *Interface) setText(u *com.Unknown, method, s string) error {
	return i.wrap(method, u.SetText(i.Slot(method), s))
}

func get[T any](i *Interface, u *com.Unknown, method string) (T, error) {
	value, err := com.Get[T](u, i.Slot(method))
	return value, i.wrap(method, err)
}

// of returns this interface of u.
func (i *Interface) of(u *com.Unknown) (*com.Unknown, error) {
	other, err := u.Query(i.IID)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", i.short(), err)
	}
	return other, nil
}

// factory returns this interface of a class's factory.
func (i *Interface) factory(class string) (*com.Unknown, error) {
	f, err := com.Factory(class, i.IID)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", class, err)
	}
	return f, nil
}

func activate(class string) (*com.Unknown, error) {
	u, err := com.Activate(class)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", class, err)
	}
	return u, nil
}

// with calls f with another interface of u.
func with(u *com.Unknown, i *Interface, f func(*com.Unknown) error) error {
	other, err := i.of(u)
	if err != nil {
		return err
	}
	defer other.Release()
	return f(other)
}

// create calls a constructor that has one argument.
//
//go:uintptrescapes
func create(class string, factory *Interface, method string, a uintptr) (*com.Unknown, error) {
	f, err := factory.factory(class)
	if err != nil {
		return nil, err
	}
	defer f.Release()
	var made *com.Unknown
	err = factory.call(f, method, a, uintptr(unsafe.Pointer(&made)))
	return made, err
}

// create2 calls a constructor that has two arguments.
//
//go:uintptrescapes
func create2(class string, factory *Interface, method string, a, b uintptr) (*com.Unknown, error) {
	f, err := factory.factory(class)
	if err != nil {
		return nil, err
	}
	defer f.Release()
	var made *com.Unknown
	err = factory.call(f, method, a, b, uintptr(unsafe.Pointer(&made)))
	return made, err
}

// short returns the name of the interface without its namespace.
func (i *Interface) short() string { return i.Name[strings.LastIndexByte(i.Name, '.')+1:] }
