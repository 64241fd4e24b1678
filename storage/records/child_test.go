package records_test

// child is what a re-executed test binary does.
func child(role, dir string) {}
