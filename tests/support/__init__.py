"""What tests share: no tests here."""
