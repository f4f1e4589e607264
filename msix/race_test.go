//go:build race

package msix

const raceDetector = true
