package winrt

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/bgtask/bgtask/internal/com"
	"github.com/bgtask/bgtask/task"
)

func TestExplain(t *testing.T) {
	for _, c := range []struct {
		op   string
		code com.HRESULT
		want error
		text string
	}{
		{"register", 0x80070032, task.ErrTriggerNotSupported, "does not fire this trigger for a COM class"},
		{"register", 0x80070490, task.ErrNoPackage, "no package identity"},
		{"list", 0x80070490, task.ErrNoPackage, "no package identity"},
		{"register", 0x80070718, task.ErrLimit, "Windows allows only one"},
		{"register", 0x80040154, task.ErrClassNotDeclared, "does not know the class"},
		{"list", 0x80040154, task.ErrNotSupported, "does not have background tasks"},
		{"request", 0x80004005, task.ErrNotRegistered, "no registration"},
		{"list", 0x80004005, task.ErrInternal, "E_FAIL"},
		{"register", 0x80070005, task.ErrAccessDenied, "background access"},
		{"register", 0x80070057, task.ErrInvalid, "invalid"},
		{"list", 0x800706ba, task.ErrUnavailable, "has exited"},
		{"list", 0x800706be, task.ErrUnavailable, "during the call"},
		{"list", 0x80010108, task.ErrUnavailable, "released"},
		{"list", 0x80004002, task.ErrNotSupported, "does not support the call"},
		{"fire", 0x80070032, task.ErrNotSupportedOnWindows, "does not support this"},
		{"fire", 0x80071234, task.ErrInternal, "0x80071234"},
	} {
		err := Explain(c.op, "FetchQuotes", fmt.Errorf("IBackgroundTaskBuilder.Register: %w", c.code))
		if !errors.Is(err, c.want) || !errors.Is(err, c.code) {
			t.Errorf("%s, %v: %v is not %v", c.op, c.code, err, c.want)
		}
		got := err.Error()
		if !strings.HasPrefix(got, c.op+": FetchQuotes: ") || !strings.Contains(got, c.text) || !strings.Contains(got, "IBackgroundTaskBuilder.Register") {
			t.Errorf("%s, %v: %s", c.op, c.code, got)
		}
		if !errors.Is(err, task.ErrInternal) && !errors.Is(err, task.ErrInvalid) && task.Hint(err) == "" {
			t.Errorf("%s, %v: no hint", c.op, c.code)
		}
	}
	other := errors.New("other")
	if err := Explain("list", "", other); !errors.Is(err, other) {
		t.Error(err)
	}
	if err := Explain("list", "", nil); err != nil {
		t.Error(err)
	}
}

// A row for any operation hides later rows with the same HRESULT, so there must
// not be any.
func TestNoRowIsBehindAnother(t *testing.T) {
	seen := map[string]bool{}
	for _, row := range explanations {
		key := row.op + fmt.Sprint(uint32(row.code))
		if seen[key] || seen[fmt.Sprint(uint32(row.code))] {
			t.Errorf("%s %v is never found", row.op, row.code)
		}
		seen[key] = true
	}
}
