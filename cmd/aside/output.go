package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// print prints a JSON object or, without -json, a text, in a line.
func (a *app) print(object any, text string) error {
	if a.json {
		return json.NewEncoder(a.stdout).Encode(object)
	}
	_, err := fmt.Fprintln(a.stdout, text)
	return err
}

// A named is the key in a JSON object.
type named struct {
	Key      string `json:"key"`
	KeyBytes []byte `json:"key_base64,omitempty"` // of a key that is not UTF-8
}

func nameOf(key string) named {
	n := named{Key: key}
	if !utf8.ValidString(key) {
		n.KeyBytes = []byte(key)
	}
	return n
}

// unquote returns the key of a text that explain.Printable has made.
func unquote(text string) (key string, ok bool) {
	if !strings.HasPrefix(text, `"`) {
		return text, true
	}
	key, err := strconv.Unquote(text)
	return key, err == nil
}

// A progress says now and then how far a command is, on stderr: once a second at the most, and
// not in the first.
type progress struct {
	w        io.Writer
	terminal bool
	last     time.Time
	shown    bool
}

func (a *app) progress() *progress {
	p := &progress{w: a.stderr, last: time.Now()}
	if f, ok := a.stderr.(*os.File); ok {
		info, err := f.Stat()
		p.terminal = err == nil && info.Mode()&os.ModeCharDevice != 0
	}
	return p
}

// say prints a line, in place of the one before on a terminal.
func (p *progress) say(format string, args ...any) {
	if time.Since(p.last) < time.Second {
		return
	}
	p.last, p.shown = time.Now(), true
	line := fmt.Sprintf(format, args...)
	if p.terminal {
		fmt.Fprintf(p.w, "\r%s\x1b[K", line)
		return
	}
	fmt.Fprintln(p.w, line)
}

// end removes the line from a terminal.
func (p *progress) end() {
	if p.shown && p.terminal {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}
