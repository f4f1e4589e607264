// Package relictest tests package msix against relic, an independent signing
// tool. It is a separate module, so that users of package msix do not get relic's
// dependencies.
package relictest
