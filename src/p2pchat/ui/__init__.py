"""What people see and type: a pure view model, and one module that touches the terminal."""
