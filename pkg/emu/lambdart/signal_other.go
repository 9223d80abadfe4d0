//go:build !unix

package lambdart

import (
	"os"
	"syscall"
)

func ownGroup() *syscall.SysProcAttr { return nil }

// terminate kills: there is no SIGTERM to send.
func terminate(p *os.Process) { p.Kill() }

func killGroup(int) {}
