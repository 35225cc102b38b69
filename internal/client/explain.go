package client

import (
	"errors"
	"fmt"
	"net"
	"regexp"
	"time"

	"github.com/redis/go-redis/v9"
)

// Explain returns an error of the store as a program's log is to have it. It has one text
// for one thing: of addresses only that of the server is named, not the port of this
// process's end, which differs from connection to connection. What the error is of can
// still be found in it, but for contexts: that would be taken for the caller's.
func (c *Client) Explain(err error) error {
	if err == nil {
		return nil
	}
	if open, ok := err.(*OpenError); ok { // as all in an outage
		return c.explainOpen(open)
	}
	size := ""
	if sending := (*sizedError)(nil); errors.As(err, &sending) {
		size, err = sending.String(), sending.error
	}
	if none := (*unreachableError)(nil); errors.As(err, &none) {
		return plain(none.cause)
	}
	if open := (*OpenError)(nil); errors.As(err, &open) {
		return c.explainOpen(open)
	}
	lost := (*overdueError)(nil)
	switch {
	case errors.As(err, &lost):
		return fmt.Errorf("%s%s: %w", c.unanswered(), size, plain(lost.cause))
	case isTimeout(err) && !isDial(err) && !c.clientTimeout(err):
		return errors.New(c.unanswered() + size)
	case size != "" && IsConnectionLost(err):
		return fmt.Errorf("%w%s", plain(err), size)
	}
	return plain(err)
}

func (c *Client) unanswered() string {
	return fmt.Sprintf("no answer within RedisTimeout, %v", c.timeouts.timeout)
}

// clientTimeout reports whether a timeout may be one of the redis client's own.
func (c *Client) clientTimeout(err error) bool {
	var op *net.OpError
	if !errors.As(err, &op) { // it comes from a context
		return false
	}
	switch rdb := c.rdb.(type) {
	case *redis.Client:
		o := rdb.Options()
		return c.outlasts(o.ReadTimeout) || c.outlasts(o.WriteTimeout)
	case *redis.ClusterClient:
		o := rdb.Options()
		return c.outlasts(o.ReadTimeout) || c.outlasts(o.WriteTimeout)
	}
	return false
}

func (c *Client) outlasts(timeout time.Duration) bool {
	return timeout > 0 && timeout < c.timeouts.timeout
}

var (
	// twoAddresses are those of both ends of a connection, as errors of package net name them.
	twoAddresses = regexp.MustCompile(`\S+:\d+->(\S+)`)
	// theTime is in the error of a certificate that has expired.
	theTime = regexp.MustCompile(`current time \S+ is`)
)

// plain returns err with a text that does not differ from call to call.
func plain(err error) error {
	var answer redis.Error
	if errors.As(err, &answer) { // Redis's own words
		return err
	}
	text := twoAddresses.ReplaceAllString(err.Error(), "$1")
	text = theTime.ReplaceAllString(text, "the current time is")
	if text == err.Error() && !isTimeout(err) {
		return err
	}
	return &plainError{text, err}
}

// explainOpen is Explain for what all calls get while a breaker is open: it is made once.
func (c *Client) explainOpen(open *OpenError) error {
	if e := c.explained.Load(); e != nil && e.open == open {
		return e
	}
	cause := c.Explain(open.Cause)
	e := &explainedOpen{open: open, cause: cause, text: open.textOf(cause)}
	c.explained.Store(e)
	return e
}

// An explainedOpen is an OpenError with the text of its cause for logs.
type explainedOpen struct {
	open  *OpenError
	cause error
	text  string
}

func (e *explainedOpen) Error() string   { return e.text }
func (e *explainedOpen) Unwrap() []error { return []error{e.open, e.cause} }

type plainError struct {
	text string
	err  error
}

func (e *plainError) Error() string { return e.text }

func (e *plainError) Unwrap() error {
	if isTimeout(e.err) {
		return nil
	}
	return e.err
}

// largeValue is from where on the size of a value is told with an error.
const largeValue = 64 << 10

// Sized adds to an error of sending a value how many bytes that has, if they may be why.
func Sized(err error, bytes int) error {
	if err == nil || bytes < largeValue {
		return err
	}
	return &sizedError{err, bytes}
}

type sizedError struct {
	error
	bytes int
}

func (e *sizedError) Unwrap() error { return e.error }

func (e *sizedError) String() string {
	n, unit := e.bytes>>10, "KB"
	if n >= 1<<10 {
		n, unit = (e.bytes+1<<19)>>20, "MB"
	}
	return fmt.Sprintf(", for a value of %d %s", n, unit)
}
