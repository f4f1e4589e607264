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
		says string
	}{
		{"register", 0x80070032, task.ErrTriggerNotSupported, "does not fire this trigger for a COM class"},
		{"register", 0x80070490, task.ErrNoPackage, "no package identity"},
		{"list", 0x80070490, task.ErrNoPackage, "no package identity"},
		{"register", 0x80070718, task.ErrLimit, "Windows allows one"},
		{"register", 0x80040154, task.ErrClassNotDeclared, "does not know the class"},
		{"list", 0x80040154, task.ErrNotSupported, "no background tasks"},
		{"request", 0x80004005, task.ErrNotRegistered, "no registration"},
		{"list", 0x80004005, task.ErrInternal, "E_FAIL"},
		{"register", 0x80070005, task.ErrAccessDenied, "background access"},
		{"register", 0x80070057, task.ErrInvalid, "invalid"},
		{"list", 0x800706ba, task.ErrUnavailable, "gone"},
		{"list", 0x800706be, task.ErrUnavailable, "during the call"},
		{"list", 0x80010108, task.ErrUnavailable, "let go"},
		{"list", 0x80004002, task.ErrNotSupported, "does not have it"},
		{"fire", 0x80070032, task.ErrNotSupportedOnWindows, "does not support it"},
		{"fire", 0x80071234, task.ErrInternal, "0x80071234"},
	} {
		err := Explain(c.op, "FetchQuotes", fmt.Errorf("IBackgroundTaskBuilder.Register: %w", c.code))
		if !errors.Is(err, c.want) || !errors.Is(err, c.code) {
			t.Errorf("%s, %v: %v is not %v", c.op, c.code, err, c.want)
		}
		text := err.Error()
		if !strings.HasPrefix(text, c.op+": FetchQuotes: ") || !strings.Contains(text, c.says) || !strings.Contains(text, "IBackgroundTaskBuilder.Register") {
			t.Errorf("%s, %v: %s", c.op, c.code, text)
		}
		if c.want != task.ErrInternal && c.want != task.ErrInvalid && task.Hint(err) == "" {
			t.Errorf("%s, %v: no remedy", c.op, c.code)
		}
	}
	other := errors.New("other")
	if err := Explain("list", "", other); err != other {
		t.Error(err)
	}
	if err := Explain("list", "", nil); err != nil {
		t.Error(err)
	}
}

// TestNoRowIsBehindAnother: a row for any operation hides the later ones of its
// HRESULT.
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
