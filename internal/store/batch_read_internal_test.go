package store

import (
	"errors"
	"testing"

	"github.com/asidecache/aside/internal/resp"
)

// The memory of an answer is given up, but not that of an entry whose command may still be under
// way: it is not even looked at.
func TestFreeAnswers(t *testing.T) {
	read := func() *Entry { return &Entry{own: &entryRead{answer: new(resp.Reply)}} }
	answered, failed := read(), read()
	FreeAnswers([]*Entry{answered, failed}, []error{nil, errors.New("no answer")})
	if answered.own.answer != nil {
		t.Error("an answer keeps its memory")
	}
	if failed.own.answer == nil {
		t.Error("what may still be in use was given up")
	}
}
