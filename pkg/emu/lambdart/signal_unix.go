//go:build unix

package lambdart

import (
	"os"
	"syscall"
)

func terminate(p *os.Process) { syscall.Kill(-p.Pid, syscall.SIGTERM) }

func killGroup(pid int) { syscall.Kill(-pid, syscall.SIGKILL) }
