//go:build !race

package msix

// raceDetector reports whether the race detector, which needs much memory, is
// enabled.
const raceDetector = false
