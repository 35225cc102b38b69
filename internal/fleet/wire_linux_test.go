package fleet

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

// A worker tells of its events as they come to pass, each by one write to a pipe.
// What is in the pipe outlives the worker, and a write of this size is not torn.
const eventSize = 40

// A journal is where a worker tells its events. It is safe for concurrent use.
type journal struct {
	file    *os.File
	process int
}

// tell writes an event down. A fleet that no longer listens has given the worker up.
func (j *journal) tell(e event) {
	var b [eventSize]byte
	b[0], b[1], b[2] = byte(e.kind), byte(e.op), byte(e.outcome)
	if e.near {
		b[3] = 1
	}
	put := binary.LittleEndian
	put.PutUint32(b[4:], uint32(int32(e.key)))
	for i, n := range []int64{int64(e.version), int64(e.asked), int64(e.begin), int64(e.end)} {
		put.PutUint64(b[8+8*i:], uint64(n))
	}
	if _, err := j.file.Write(b[:]); err != nil {
		os.Exit(1)
	}
}

// readJournal passes a worker's events on until its end.
func readJournal(from io.Reader, process int, each func(event)) error {
	r := bufio.NewReaderSize(from, 1<<16)
	var b [eventSize]byte
	for {
		switch _, err := io.ReadFull(r, b[:]); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("the journal of worker %d: %w", process, err)
		}
		get := binary.LittleEndian
		each(event{
			kind: kind(b[0]), op: op(b[1]), outcome: outcome(b[2]), process: process,
			key: int(int32(get.Uint32(b[4:]))), version: int(get.Uint64(b[8:])),
			asked: instant(get.Uint64(b[16:])), near: b[3] == 1,
			span: span{instant(get.Uint64(b[24:])), instant(get.Uint64(b[32:]))},
		})
	}
}
