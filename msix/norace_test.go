//go:build !race

package msix

// raceDetector multiplies the memory of a process.
const raceDetector = false
