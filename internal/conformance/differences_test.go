package conformance

import "runtime"

// Where Windows differs by its nature. Each row is held by a test.
var differences = map[string]string{
	"changed":      "Windows cannot change a registration: Ensure makes another, with another id, and removes the old one",
	"again":        "Windows runs nothing again by itself: a run that crashed or failed is over",
	"broker's end": "the calls of a run end with Windows' broker: it is canceled. Our own broker finds it again",
	"server's end": "nobody but the application keeps how its runs ended: one whose process died is found to be lost",
	"shortest":     "Windows' shortest timer is of 15 minutes, ours of one",
}

// differs says whether this is Windows. The row says why it matters.
func differs(row string) bool {
	if differences[row] == "" {
		panic("there is no such difference: " + row)
	}
	return runtime.GOOS == "windows"
}
