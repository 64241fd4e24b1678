package onvif

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxAnswer = 1 << 20 // bytes of one answer
	maxDepth  = 32      // elements inside each other
	maxNodes  = 20000   // elements of one answer
)

var errXML = errors.New("not an answer of this protocol")

// node is one XML element. All its methods may be called on nil, which has nothing in it: what a
// camera left out reads as empty. Elements are found by their local names, since cameras differ in
// the versions of their namespaces.
type node struct {
	space, name string
	attrs       []xml.Attr
	text        string
	kids        []*node
}

// parse reads one document. There are no entities but XML's own five, and no document types.
func parse(raw []byte) (*node, error) {
	if len(raw) > maxAnswer {
		return nil, fmt.Errorf("%w: longer than %d bytes", errXML, maxAnswer)
	}
	d := xml.NewDecoder(bytes.NewReader(raw))
	// Some cameras declare odd names for plain UTF-8; what is not UTF-8 is refused by the decoder.
	d.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil }
	root := &node{}
	path, count := []*node{root}, 0
	var text []byte // since the last tag
	for {
		t, err := d.Token()
		if errors.Is(err, io.EOF) && len(root.kids) == 1 {
			return root.kids[0], nil
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errXML, err)
		}
		top := path[len(path)-1]
		switch t := t.(type) {
		case xml.StartElement:
			if count++; count > maxNodes || len(path) > maxDepth {
				return nil, fmt.Errorf("%w: too deep or too long", errXML)
			}
			n := &node{space: t.Name.Space, name: t.Name.Local, attrs: t.Copy().Attr}
			top.kids = append(top.kids, n)
			path, text = append(path, n), nil
		case xml.EndElement:
			if len(top.kids) == 0 { // text between elements is only layout
				top.text = string(bytes.TrimSpace(text))
			}
			path, text = path[:len(path)-1], nil
		case xml.CharData:
			text = append(text, t...)
		case xml.Directive:
			return nil, fmt.Errorf("%w: a document type", errXML)
		}
	}
}

// get follows first children by name.
func (n *node) get(path ...string) *node {
	for _, name := range path {
		n = n.first(name)
	}
	return n
}

func (n *node) first(name string) *node {
	if n == nil {
		return nil
	}
	for _, k := range n.kids {
		if k.name == name {
			return k
		}
	}
	return nil
}

// all lists the children of one name.
func (n *node) all(name string) []*node {
	var found []*node
	if n != nil {
		for _, k := range n.kids {
			if k.name == name {
				found = append(found, k)
			}
		}
	}
	return found
}

// str is the text of the element that get finds.
func (n *node) str(path ...string) string {
	if n = n.get(path...); n == nil {
		return ""
	}
	return n.text
}

// number reads a number of at most nine digits; 0 for anything else.
func (n *node) number(path ...string) int {
	text := n.str(path...)
	if text == "" || len(text) > 9 {
		return 0
	}
	v := 0
	for _, c := range text {
		if c < '0' || c > '9' {
			return 0
		}
		v = v*10 + int(c-'0')
	}
	return v
}

// attr is an attribute by its local name.
func (n *node) attr(name string) string {
	if n == nil {
		return ""
	}
	for _, a := range n.attrs {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// set puts a text into a child that is there, and says whether it was.
func (n *node) set(text string, path ...string) bool {
	if n = n.get(path...); n == nil {
		return false
	}
	n.text = text
	return true
}

// write puts the element back into XML, each with its own namespace: cameras want to be given whole
// configurations and references just as they gave them.
func (n *node) write(b *strings.Builder, extra string) {
	if n == nil {
		return
	}
	fmt.Fprintf(b, `<%s xmlns="%s"%s`, n.name, escape(n.space), extra)
	for _, a := range n.attrs {
		if a.Name.Space == "" && a.Name.Local != "xmlns" {
			fmt.Fprintf(b, ` %s="%s"`, a.Name.Local, escape(a.Value))
		}
	}
	b.WriteByte('>')
	b.WriteString(escape(n.text))
	for _, k := range n.kids {
		k.write(b, "")
	}
	fmt.Fprintf(b, "</%s>", n.name)
}

// escape makes a text fit for an element or a quoted attribute.
func escape(text string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(text)) // a strings.Builder takes everything
	return b.String()
}

// fault is a camera's way to say no (SOAP 1.2, part 1, 5.4).
type fault struct {
	codes  string // the code and its subcodes without prefixes, joined by /
	reason string
}

func (f *fault) Error() string { return fmt.Sprintf("the camera says %s (%s)", f.codes, f.reason) }

// has says whether one of the codes is this one.
func (f *fault) has(codes ...string) bool {
	for _, have := range strings.Split(f.codes, "/") {
		for _, want := range codes {
			if have == want {
				return true
			}
		}
	}
	return false
}

// envelope takes what is in the body of an answer: the one element, or the fault that it is.
func envelope(raw []byte) (*node, error) {
	n, err := parse(raw)
	if err != nil {
		return nil, err
	}
	body := n.get("Body")
	if n.name != "Envelope" || body == nil {
		return nil, fmt.Errorf("%w: not SOAP", errXML)
	}
	if f := body.get("Fault"); f != nil {
		return nil, readFault(f)
	}
	if len(body.kids) == 0 {
		return &node{}, nil
	}
	return body.kids[0], nil
}

func readFault(n *node) *fault {
	f := &fault{reason: printable(n.str("Reason", "Text"), 200)}
	codes := []string{}
	for c := n.get("Code"); c != nil; c = c.get("Subcode") {
		codes = append(codes, local(c.str("Value")))
	}
	if len(codes) == 0 { // SOAP 1.1, which some cameras fall back to
		codes = []string{local(n.str("faultcode"))}
		f.reason = printable(n.str("faultstring"), 200)
	}
	f.codes = strings.Join(codes, "/")
	return f
}

// local is a name without its prefix.
func local(name string) string { return printable(name[strings.IndexByte(name, ':')+1:], 60) }

// printable bounds a text from outside, in bytes, and drops what cannot be shown in a line.
func printable(s string, limit int) string {
	var b strings.Builder
	for _, c := range s[:min(len(s), 4*limit)] {
		if c == utf8.RuneError || !unicode.IsPrint(c) {
			continue
		}
		if b.Len()+utf8.RuneLen(c) > limit {
			break
		}
		b.WriteRune(c)
	}
	return b.String()
}
