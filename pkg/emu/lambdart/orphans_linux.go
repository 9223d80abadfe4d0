package lambdart

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// killOrphans ends the processes that found this in their environment, as those
// have that a function started and that left its process group. It looks again as
// long as it finds some, for they may be starting others.
func killOrphans(setting string) {
	for range 10 {
		found := false
		environments, err := filepath.Glob("/proc/[0-9]*/environ")
		if err != nil {
			return
		}
		for _, name := range environments {
			env, err := os.ReadFile(name) // another user's, or of one that is gone, cannot be read
			if err != nil || !bytes.Contains(env, []byte(setting)) {
				continue
			}
			pid, err := strconv.Atoi(filepath.Base(filepath.Dir(name)))
			if err == nil && syscall.Kill(pid, syscall.SIGKILL) == nil {
				found = true
			}
		}
		if !found {
			return
		}
	}
}
