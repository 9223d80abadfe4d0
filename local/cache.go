package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// cache is the folder that keeps a template's binaries from run to run, and the
// function logs of its last one.
type cache struct {
	dir       string
	temporary bool // there is no place that lasts
}

// A folder says in this file whose it is.
const ownerFile = "template-folder"

// openCache finds or makes the folder for a template. Folders of templates that
// are gone are removed on the way.
func openCache(templateFolder string) (*cache, error) {
	base, err := os.UserCacheDir()
	if err != nil {
		dir, err := os.MkdirTemp("", "kaiwa-local-")
		return &cache{dir, true}, err
	}
	base = filepath.Join(base, "kaiwa")
	prune(base)
	sum := sha256.Sum256([]byte(templateFolder))
	c := &cache{dir: filepath.Join(base, hex.EncodeToString(sum[:8]))}
	if err := os.MkdirAll(c.dir, 0o700); err != nil {
		return nil, fmt.Errorf("make a folder for binaries: %w", err)
	}
	if err := os.WriteFile(filepath.Join(c.dir, ownerFile), []byte(templateFolder+"\n"), 0o600); err != nil {
		return nil, fmt.Errorf("make a folder for binaries: %w", err)
	}
	return c, nil
}

// prune removes what belongs to templates that are gone. What it cannot remove
// stays for another time.
func prune(base string) {
	owners, err := filepath.Glob(filepath.Join(base, "*", ownerFile))
	if err != nil {
		return
	}
	for _, owner := range owners {
		text, err := os.ReadFile(owner)
		if err != nil {
			continue
		}
		if _, err := os.Stat(strings.TrimSpace(string(text))); os.IsNotExist(err) {
			os.RemoveAll(filepath.Dir(owner))
		}
	}
}

// file names something in the folder that belongs to one run: port is what two
// runs of one template cannot share.
func (c *cache) file(kind, port, suffix string) string {
	return filepath.Join(c.dir, kind+"-"+port+suffix)
}

func (c *cache) binaries() string { return filepath.Join(c.dir, "bin") }

// runtimes is the folder for what functions need beside their own source.
func (c *cache) runtimes() string { return filepath.Join(c.dir, "runtimes") }

// close removes a folder that is not meant to last.
func (c *cache) close() {
	if c.temporary {
		os.RemoveAll(c.dir)
	}
}
