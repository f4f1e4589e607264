package bgtask_test

const onWindows = true
