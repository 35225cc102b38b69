package subject

import (
	"strconv"
	"time"

	"github.com/asidecache/aside/codec"
)

// The names of the hash fields, in the order of Account.
var (
	nameID, nameName, nameEmail, nameBio          = []byte("id"), []byte("name"), []byte("email"), []byte("bio")
	nameCity, nameAge, nameLogins, nameScore      = []byte("city"), []byte("age"), []byte("logins"), []byte("score")
	nameActive, nameTimeout, nameCreated, nameRef = []byte("active"), []byte("timeout"), []byte("created"), []byte("referrer")
)

// EncodeHash puts the account on w as hash fields.
func EncodeHash(w *codec.Wire, a *Account) error {
	w.Keep(nameID, strconv.AppendInt(w.Scratch(), a.ID, 10))
	w.Keep(nameName, append(w.Scratch(), a.Name...))
	w.Keep(nameEmail, append(w.Scratch(), a.Email...))
	w.Keep(nameBio, append(w.Scratch(), a.Bio...))
	w.Keep(nameCity, append(w.Scratch(), a.City...))
	w.Keep(nameAge, strconv.AppendInt(w.Scratch(), int64(a.Age), 10))
	w.Keep(nameLogins, strconv.AppendUint(w.Scratch(), uint64(a.Logins), 10))
	w.Keep(nameScore, strconv.AppendFloat(w.Scratch(), a.Score, 'f', -1, 64))
	w.Keep(nameActive, strconv.AppendBool(w.Scratch(), a.Active))
	w.Keep(nameTimeout, strconv.AppendInt(w.Scratch(), int64(a.Timeout), 10))
	created, err := a.Created.AppendText(w.Scratch())
	if err != nil {
		return err
	}
	w.Keep(nameCreated, created)
	w.Keep(nameRef, strconv.AppendInt(w.Scratch(), a.Referrer, 10))
	return nil
}

// DecodeHash reads the account from the hash fields on w.
func DecodeHash(w *codec.Wire, a *Account) (err error) {
	for i := range w.Len() {
		src := w.Value(i)
		switch string(w.Name(i)) {
		case "id":
			a.ID, err = strconv.ParseInt(string(src), 10, 64)
		case "name":
			a.Name = string(src)
		case "email":
			a.Email = string(src)
		case "bio":
			a.Bio = string(src)
		case "city":
			a.City = string(src)
		case "age":
			a.Age, err = strconv.Atoi(string(src))
		case "logins":
			var n uint64
			n, err = strconv.ParseUint(string(src), 10, 32)
			a.Logins = uint32(n)
		case "score":
			a.Score, err = strconv.ParseFloat(string(src), 64)
		case "active":
			a.Active, err = strconv.ParseBool(string(src))
		case "timeout":
			var n int64
			n, err = strconv.ParseInt(string(src), 10, 64)
			a.Timeout = time.Duration(n)
		case "created":
			err = a.Created.UnmarshalText(src)
		case "referrer":
			a.Referrer, err = strconv.ParseInt(string(src), 10, 64)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
