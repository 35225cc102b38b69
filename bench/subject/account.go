// Package subject holds the value that everything is measured with, and the code
// that a programmer would write by hand for it.
package subject

import (
	"math/rand/v2"
	"time"
)

// An Account is a struct of twelve fields, of the kinds that rows of a database
// have. It fits every codec that is compared: tags for hashes, exported fields for
// the rest.
type Account struct {
	ID       int64         `redis:"id"`
	Name     string        `redis:"name"`
	Email    string        `redis:"email"`
	Bio      string        `redis:"bio"`
	City     string        `redis:"city"`
	Age      int           `redis:"age"`
	Logins   uint32        `redis:"logins"`
	Score    float64       `redis:"score"`
	Active   bool          `redis:"active"`
	Timeout  time.Duration `redis:"timeout"`
	Created  time.Time     `redis:"created"`
	Referrer int64         `redis:"referrer"`
}

const (
	// Small is the size of the usual value, in bytes of MessagePack.
	Small = 300
	// Large is the size of a large one.
	Large = 10 << 10

	fixed   = 163 // bytes of MessagePack besides the text of Bio
	letters = "abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ.0123456789"
)

// Sized returns an account of about size bytes of MessagePack, or of the least
// size where that is more. Its Bio makes the difference.
func Sized(size int) Account {
	return Account{
		ID: 123456789, Name: "Ann Example", Email: "ann@example.org", City: "Lisbon",
		Bio: text(max(size-fixed, 0)),
		Age: 41, Logins: 1728, Score: 97.25, Active: true, Timeout: 90 * time.Second,
		Created: time.Date(2024, 2, 29, 12, 30, 15, 123456789, time.UTC), Referrer: 987654321,
	}
}

// text returns n letters that do not repeat: contenders that compress have nothing
// to win by a trick of the data. It is the same text each time, in memory of its
// own.
func text(n int) string {
	rng := rand.New(rand.NewPCG(1, 2))
	b := make([]byte, n)
	for i := range b {
		b[i] = letters[rng.IntN(len(letters))]
	}
	return string(b)
}
