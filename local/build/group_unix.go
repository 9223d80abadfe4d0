//go:build unix

package build

import (
	"os/exec"
	"syscall"
)

// stopAsGroup makes the end of cmd's context interrupt the compilers and linkers
// too, and lets the go tool clear away its temporary folder.
func stopAsGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGINT) }
}
