package lambdart

import "syscall"

// ownGroup gives a process its own group and the host's fate. The kernel sends
// Pdeathsig when the thread that forked ends, and Go ends no thread unless a
// goroutine locked to it does.
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
