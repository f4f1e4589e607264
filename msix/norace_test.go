//go:build !race

package msix

// raceDetector says whether its own memory is in that of a process.
const raceDetector = false
