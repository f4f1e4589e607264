//go:build !windows

package bgtask_test

const onWindows = false
