// Package journal keeps a list of records in a folder, so that it survives the end of its process at any moment.
//
// The folder holds one file, records.log, that only grows, and a file by which a process takes the folder for itself. A record
// is one line:
//
//	LENGTH HEAD SUM RECORD
//
// with three numbers of eight hexadecimal digits: the length of the record in bytes, a checksum of the line's beginning, and one
// of the record. Both sums go on from those of the line before, so that a line that is missing, doubled or out of order shows
// like one that was changed.
//
// What Append has returned for is in the hands of the operating system: the process may be killed, but a power cut may take the
// last seconds, for the disk is not waited for. A kill in the middle of a write leaves the beginning of a line at the end of the
// file; Open cuts that off. Anything else that is not as it was written is an error of Open that names the place.
package journal

import (
	"bufio"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"iter"
	"os"
	"path/filepath"
	"strconv"
)

const (
	logName  = "records.log"
	newName  = "records.new" // a rewritten log that is not complete
	lockName = "lock"

	magic    = "kaiwa journal 1\n"
	headSize = 3 * 9
)

// slack is how much a log may grow, beyond twice what it was when rewritten, until it is due again.
const slack = 4 << 20

// Journal is an open journal. It is not safe for concurrent use.
type Journal struct {
	dir   string
	lock  *os.File
	file  *os.File
	size  int64
	sum   uint32 // of the last record
	base  int64  // size after the last Rewrite
	cut   int64
	broke error // why nothing can be appended any more
}

// Open takes the folder for this process, makes it if need be, and gives every record in it to replay, in order. The slice is
// only valid during the call. Errors: the folder is taken by another process, the log is damaged, and what replay returns.
func Open(dir string, replay func(record []byte) error) (*Journal, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	lock, err := take(dir)
	if err != nil {
		return nil, err
	}
	j := &Journal{dir: dir, lock: lock}
	if err := j.open(replay); err != nil {
		j.closeFiles()
		return nil, err
	}
	return j, nil
}

func (j *Journal) open(replay func(record []byte) error) error {
	if err := os.Remove(j.path(newName)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	_, err := os.Stat(j.path(logName))
	if errors.Is(err, os.ErrNotExist) {
		return j.Rewrite(func(func([]byte) bool) {})
	}
	if err == nil {
		j.file, err = openLog(j.path(logName))
	}
	if err != nil {
		return err
	}
	whole, err := j.file.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	if err := j.read(io.NewSectionReader(j.file, 0, whole), whole, replay); err != nil {
		return fmt.Errorf("%s: %w", j.path(logName), err)
	}
	if j.cut = whole - j.size; j.cut > 0 {
		return j.file.Truncate(j.size)
	}
	return nil
}

func openLog(name string) (*os.File, error) { return os.OpenFile(name, os.O_RDWR|os.O_APPEND, 0o600) }

func (j *Journal) path(name string) string { return filepath.Join(j.dir, name) }

// read gives the records to replay and moves size and sum behind the last whole one.
func (j *Journal) read(r io.Reader, whole int64, replay func(record []byte) error) error {
	in := bufio.NewReaderSize(r, 1<<20)
	begin := make([]byte, len(magic))
	if _, err := io.ReadFull(in, begin); err != nil || string(begin) != magic {
		return fmt.Errorf("this is no log of this version: it does not begin with %q", magic)
	}
	j.start()
	var head [headSize]byte
	var line []byte
	for {
		left := whole - j.size
		if left < headSize {
			return nil
		}
		if _, err := io.ReadFull(in, head[:]); err != nil {
			return err
		}
		n, sum, ok := j.parse(head[:])
		if !ok {
			return j.damaged()
		}
		if left < headSize+n+1 {
			return nil
		}
		if int64(cap(line)) < n+1 {
			line = make([]byte, n+1)
		}
		line = line[:n+1]
		if _, err := io.ReadFull(in, line); err != nil {
			return err
		}
		if record := line[:n]; j.sumOf(record) != sum || line[n] != '\n' {
			return j.damaged()
		}
		if err := replay(line[:n]); err != nil {
			return fmt.Errorf("the record at byte %d: %w", j.size, err)
		}
		j.size += headSize + n + 1
		j.sum = sum
	}
}

func (j *Journal) damaged() error {
	return fmt.Errorf("damaged at byte %d, by a power cut or another program: "+
		"remove the file, or cut it there (truncate -s %d) to keep what was written before", j.size, j.size)
}

// start is the state behind the magic.
func (j *Journal) start() {
	j.size, j.sum = int64(len(magic)), crc32.Checksum([]byte(magic), castagnoli)
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func (j *Journal) sumOf(record []byte) uint32 { return crc32.Update(j.sum, castagnoli, record) }

// head writes the beginning of the line for a record.
func (j *Journal) head(dst []byte, n int, sum uint32) []byte {
	size, last := fmt.Sprintf("%08x ", n), fmt.Sprintf("%08x ", sum)
	return fmt.Appendf(dst, "%s%08x %s", size, crc32.Update(j.sum, castagnoli, []byte(size+last)), last)
}

// parse reads what head wrote.
func (j *Journal) parse(head []byte) (n int64, sum uint32, ok bool) {
	size, err := strconv.ParseUint(string(head[:8]), 16, 32)
	last, also := strconv.ParseUint(string(head[18:26]), 16, 32)
	n, sum = int64(size), uint32(last)
	return n, sum, err == nil && also == nil && string(j.head(nil, int(n), sum)) == string(head)
}

// line is a record as it stands in the log.
func (j *Journal) line(record []byte) (line []byte, sum uint32) {
	sum = j.sumOf(record)
	line = j.head(make([]byte, 0, headSize+len(record)+1), len(record), sum)
	return append(append(line, record...), '\n'), sum
}

// Append adds a record. After an error the record is not there; a log that could not be brought back to its last record takes
// no more.
func (j *Journal) Append(record []byte) error {
	if j.broke != nil {
		return j.broke
	}
	line, sum := j.line(record)
	if _, err := j.file.Write(line); err != nil {
		if undo := j.file.Truncate(j.size); undo != nil {
			j.broke = fmt.Errorf("%w, and its beginning could not be removed: %w", err, undo)
		}
		return err
	}
	j.size += int64(len(line))
	j.sum = sum
	return nil
}

// Due tells whether the log has grown so much that it should be rewritten.
func (j *Journal) Due() bool { return j.broke == nil && j.size > 2*j.base+slack }

// Rewrite puts records in the place of all there are, or, after an error, leaves these as they are. It waits for the disk.
func (j *Journal) Rewrite(records iter.Seq[[]byte]) error {
	if j.broke != nil {
		return j.broke
	}
	next := &Journal{dir: j.dir}
	if err := next.write(records); err != nil {
		os.Remove(j.path(newName))
		return err
	}
	// Files that are open cannot be renamed everywhere.
	if j.file != nil {
		j.file.Close()
	}
	renamed := os.Rename(j.path(newName), j.path(logName))
	file, err := openLog(j.path(logName))
	if err != nil {
		j.broke = errors.Join(renamed, err)
		return j.broke
	}
	j.file = file
	if renamed != nil {
		return renamed
	}
	j.size, j.sum, j.base = next.size, next.sum, next.size
	syncFolder(j.dir)
	return nil
}

// write makes the new log.
func (j *Journal) write(records iter.Seq[[]byte]) error {
	file, err := os.OpenFile(j.path(newName), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(file, 1<<20)
	out.WriteString(magic) // an error stays until Flush
	j.start()
	for record := range records {
		line, sum := j.line(record)
		out.Write(line)
		j.size += int64(len(line))
		j.sum = sum
	}
	err = out.Flush()
	if err == nil {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}

// syncFolder makes a rename last; where a folder cannot be synchronised there is nothing to do about it.
func syncFolder(dir string) {
	if d, err := os.Open(dir); err == nil {
		_ = d.Sync()
		d.Close()
	}
}

// Cut is how many bytes of an unfinished write Open cut off.
func (j *Journal) Cut() int64 { return j.cut }

// Close waits for the disk and gives the folder back. Nothing can be appended afterwards.
func (j *Journal) Close() error {
	if errors.Is(j.broke, os.ErrClosed) {
		return nil
	}
	err := j.file.Sync()
	j.closeFiles()
	j.broke = os.ErrClosed
	return err
}

func (j *Journal) closeFiles() {
	if j.file != nil {
		j.file.Close()
	}
	j.lock.Close()
}
