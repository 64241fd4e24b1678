package servers

import "context"

// NewCode draws a setup code for the server with this key; the old one pairs nobody any more. Who is
// paired stays so. It reports ErrUnknown.
func (s *Servers) NewCode(ctx context.Context, key string) (Status, error) {
	r := s.find(key)
	if r == nil {
		return Status{}, ErrUnknown
	}
	if err := r.server.NewCode(ctx); err != nil {
		return Status{}, err
	}
	s.options.Changed()
	return r.status(), nil
}

// Unpair forgets all controllers of the server with this key. It reports ErrUnknown.
func (s *Servers) Unpair(ctx context.Context, key string) error {
	r := s.find(key)
	if r == nil {
		return ErrUnknown
	}
	if err := r.server.Unpair(ctx); err != nil {
		return err
	}
	s.options.Changed()
	return nil
}
