rule a {
  meta:
    text = "a \"quoted\" \\ text\twith \x41"
    number = 42
    negative = -7
    hexadecimal = 0xFF
    float = 1.5
    below = -0.5
    yes = true
    no = false
    size = 2KB
  condition: filesize > 0
}
