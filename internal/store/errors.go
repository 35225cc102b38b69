package store

import "github.com/asidecache/aside/internal/client"

// Errors of package client, which callers of a store meet.
var (
	ErrClosed     = client.ErrClosed
	ErrUnanswered = client.ErrUnanswered
	ErrWrongType  = client.ErrWrongType
	ErrTooLarge   = client.ErrTooLarge
)

// A Step is an operation that can be sent along with others: a Request, or what the methods
// of a Store return that are named for it.
type Step = client.Step

// A Change is that of a breaker, see Store.Watch.
type Change = client.Change

// IsBroken reports whether Redis answered with something that is no value of the store's
// shape.
func IsBroken(err error) bool { return client.IsBroken(err) }

// IsTooLarge reports whether a value was not sent, or was refused, for its size.
func IsTooLarge(err error) bool { return client.IsTooLarge(err) }

// IsOpen reports whether a command was not sent because of a breaker.
func IsOpen(err error) bool { return client.IsOpen(err) }

// IsOutOfMemory reports whether a server refused a command because its memory is full.
func IsOutOfMemory(err error) bool { return client.IsOutOfMemory(err) }

// IsNoPermission reports whether an ACL refused a command or a key.
func IsNoPermission(err error) bool { return client.IsNoPermission(err) }

// IsNoScripts reports whether a server runs no scripts.
func IsNoScripts(err error) bool { return client.IsNoScripts(err) }

// Sized adds to an error of sending a value how many bytes that has, if they may be why.
func Sized(err error, bytes int) error { return client.Sized(err, bytes) }
