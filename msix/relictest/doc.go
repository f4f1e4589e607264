// Package relictest holds package msix against relic, a signing tool that shares no
// line with it. It is a module of its own, so that nobody gets relic's dependencies
// who only wants to make a package.
package relictest
