package console

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strings"
	"time"
)

//go:embed page
var page embed.FS

// asset returns a handler for a file of the page, nil if there is no such file.
func asset(name string) http.HandlerFunc {
	content, err := page.ReadFile("page/" + name)
	if err != nil {
		return nil
	}
	return func(w http.ResponseWriter, r *http.Request) {
		sum := sha256.Sum256(content)
		w.Header().Set("ETag", `"`+hex.EncodeToString(sum[:8])+`"`)
		w.Header().Set("Cache-Control", "no-cache")
		http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(content))
	}
}

// pageOr serves the page to browsers, and the answer to programs, which ask for JSON.
func (c *console) pageOr(answer http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Vary", "Accept")
		if !strings.Contains(strings.Join(r.Header.Values("Accept"), ","), "application/json") {
			asset("index.html")(w, r)
			return
		}
		answer(w, r)
	}
}

// reply answers with JSON.
func reply(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil { // no type of this package has values that JSON has not
		status, body = http.StatusInternalServerError, []byte(`{"error":"the answer has no JSON"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n'))
}

// fail answers with a sentence that says what is wrong.
func fail(w http.ResponseWriter, status int, why string) {
	reply(w, status, struct {
		Error string `json:"error"`
	}{why})
}
