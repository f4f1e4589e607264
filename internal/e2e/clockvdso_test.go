//go:build linux

package e2e

import (
	"bytes"
	"debug/elf"
	"fmt"
	"os"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

// arch is what the simulated clocks must know about a processor.
type arch struct {
	audit  uint32
	symbol string // of clock_gettime in the vDSO
	code   []byte // a function that makes the clock_gettime system call
}

var arches = map[string]arch{
	"amd64": {unix.AUDIT_ARCH_X86_64, "__vdso_clock_gettime", []byte{
		0xb8, 0xe4, 0x00, 0x00, 0x00, // mov $228, %eax
		0x0f, 0x05, // syscall
		0xc3, // ret
	}},
	"arm64": {unix.AUDIT_ARCH_AARCH64, "__kernel_clock_gettime", []byte{
		0x28, 0x0e, 0x80, 0xd2, // mov x8, #113
		0x01, 0x00, 0x00, 0xd4, // svc #0
		0xc0, 0x03, 0x5f, 0xd6, // ret
	}},
}

// useSystemCalls makes a process ask the kernel for the time. Without it, time.Now
// reads a page that the kernel shares with every process (the vDSO), and a filter does
// not see that. On a kernel booted with vdso=0 every process asks the kernel.
func useSystemCalls(pid int) error {
	base, size, err := vdsoOf(pid)
	if err != nil {
		return err
	}
	memory, err := os.OpenFile(fmt.Sprintf("/proc/%d/mem", pid), os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer memory.Close()
	image := make([]byte, size)
	if _, err := memory.ReadAt(image, base); err != nil {
		return fmt.Errorf("read the vDSO: %w", err)
	}
	library, err := elf.NewFile(bytes.NewReader(image))
	if err != nil {
		return fmt.Errorf("the vDSO: %w", err)
	}
	symbols, err := library.DynamicSymbols()
	if err != nil {
		return fmt.Errorf("the vDSO: %w", err)
	}
	a := arches[runtime.GOARCH]
	for _, s := range symbols {
		if s.Name == a.symbol {
			_, err := memory.WriteAt(a.code, base+int64(s.Value)) // the process's own copy
			return err
		}
	}
	return fmt.Errorf("the vDSO has no %s", a.symbol)
}

// vdsoOf returns the address of the vDSO in a process.
func vdsoOf(pid int) (base, size int64, err error) {
	maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", pid))
	if err != nil {
		return 0, 0, err
	}
	for line := range strings.Lines(string(maps)) {
		if strings.HasSuffix(line, "[vdso]\n") {
			var end int64
			_, err := fmt.Sscanf(line, "%x-%x", &base, &end)
			return base, end - base, err
		}
	}
	return 0, 0, fmt.Errorf("pid %d has no vDSO", pid)
}
