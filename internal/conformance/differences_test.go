package conformance

import "runtime"

// The differences of Windows that follow from its nature. A test checks each row.
var differences = map[string]string{
	"changed":      "Windows cannot change a registration: Ensure creates another one, with another ID, and removes the old one",
	"again":        "Windows does not retry: a run that crashed or failed is over",
	"broker's end": "a run is canceled when Windows' broker ends, because its calls end. Our own broker adopts it again",
	"server's end": "only the application records how its runs ended: a run whose process died counts as lost",
	"shortest":     "the shortest timer is 15 minutes on Windows and one minute here",
}

// differs reports whether the system is Windows. The row says why it matters.
func differs(row string) bool {
	if differences[row] == "" {
		panic("there is no such difference: " + row)
	}
	return runtime.GOOS == "windows"
}
