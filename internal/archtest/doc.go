// Package archtest holds the architecture in place: who may import whom, what the
// pure packages may not touch, and that every package says what it is for. It is
// one test; there is no code.
package archtest
