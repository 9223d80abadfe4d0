//go:build unix && !linux

package lambdart

import "syscall"

// ownGroup gives a process its own group. Without the host its request for work
// breaks and it ends of itself.
func ownGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
