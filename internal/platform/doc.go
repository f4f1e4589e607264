// Package platform holds what package bgtask needs from the operating system it is
// built for: the connection to the broker, the rules a registration must satisfy
// there, and how a process finds out that the broker launched it.
//
// Each function has one implementation per operating system, with the same
// signature and the same promises. Everything else in the SDK is the same code on
// all of them.
package platform
