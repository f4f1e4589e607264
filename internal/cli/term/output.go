package term

import (
	"fmt"
	"io"
	"sync"
)

// Output is standard output that remembers its first write error. A verb may then
// print without looking at errors; the program asks once, at its end.
type Output struct {
	to     io.Writer
	failed func()

	mu  sync.Mutex // the demo prints from several goroutines
	err error
}

// NewOutput returns an Output that writes to w. It calls failed, once, when a write
// fails, so that a verb that follows events does not go on printing in vain.
func NewOutput(w io.Writer, failed func()) *Output { return &Output{to: w, failed: failed} }

// Write writes p. After a failed write it writes nothing and returns the same error.
func (o *Output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err != nil {
		return 0, o.err
	}
	n, err := o.to.Write(p)
	if err != nil {
		o.err = err
		o.failed()
	}
	return n, err
}

// Err returns the first write error, or nil.
func (o *Output) Err() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err == nil {
		return nil
	}
	return fmt.Errorf("cannot write to standard output: %w", Cause(o.err))
}
