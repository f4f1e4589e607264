package conformance

import (
	"slices"
	"unsafe"

	"golang.org/x/sys/windows"
)

// left returns the number of running processes of the programs.
func left(programs ...string) (n int) {
	each(programs, func(uint32) { n++ })
	return n
}

// endAll ends all processes of the programs. No other user works in this system.
func endAll(programs ...string) {
	each(programs, func(pid uint32) {
		process, err := windows.OpenProcess(windows.PROCESS_TERMINATE|windows.SYNCHRONIZE, false, pid)
		if err != nil {
			return
		}
		windows.TerminateProcess(process, 1)
		windows.WaitForSingleObject(process, uint32(patience.Milliseconds()))
		windows.CloseHandle(process)
	})
}

func each(programs []string, f func(pid uint32)) {
	all, err := windows.CreateToolhelp32Snapshot(windows.TH32CS_SNAPPROCESS, 0)
	if err != nil {
		return
	}
	defer windows.CloseHandle(all)
	entry := windows.ProcessEntry32{Size: uint32(unsafe.Sizeof(windows.ProcessEntry32{}))}
	for err = windows.Process32First(all, &entry); err == nil; err = windows.Process32Next(all, &entry) {
		if slices.Contains(programs, windows.UTF16ToString(entry.ExeFile[:])) {
			f(entry.ProcessID)
		}
	}
}
