using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace FeatureStore.Architecture.Tests;

/// <summary>Keeps methods short enough to be seen whole; a longer one stands below with its reason.</summary>
public sealed class MethodLengthTests
{
    private const int MethodLinesMax = 70;

    /// <summary>File and method, to the reason why it is longer.</summary>
    private static readonly Dictionary<(string File, string Method), string> LongMethods = new();

    [Fact]
    public void Methods_LongerThanTheRule_HaveAReason()
    {
        var faults = Repository.SourceFiles()
            .SelectMany(file => Methods(File.ReadAllText(file)).Select(m => (File: Repository.Relative(file), m.Name, m.Lines)))
            .Where(m => m.Lines > MethodLinesMax && !LongMethods.ContainsKey((m.File, m.Name)))
            .Select(m => $"{m.File}: {m.Name} has {m.Lines} lines, at most {MethodLinesMax}")
            .ToArray();
        Assert.True(faults.Length == 0, string.Join(Environment.NewLine, faults));
    }

    [Fact]
    public void Exceptions_FromTheRule_NameLongMethods()
    {
        foreach (var ((file, method), reason) in LongMethods)
        {
            var path = Path.Combine(Repository.Root, file);
            Assert.True(File.Exists(path), $"{file} is excepted and does not exist.");
            Assert.True(Methods(File.ReadAllText(path)).Any(m => m.Name == method && m.Lines > MethodLinesMax), $"{file}: {method} needs no exception.");
            Assert.NotEmpty(reason);
        }
    }

    [Fact]
    public void Methods_OfASource_AreCountedFromSignatureToBrace()
    {
        const string Source = """
            class C
            {
                /// <summary>Not counted.</summary>
                int A(
                    int x)
                {
                    int Local()
                    {
                        return 1;
                    }

                    return "}" == "" ? 0 : Local();
                }

                C() { }

                int B { get { return 1; } }
            }
            """;
        Assert.Equal([("A", 10), ("Local", 4), ("C", 1), ("B.get", 1)], Methods(Source));
    }

    private static IEnumerable<(string Name, int Lines)> Methods(string source)
    {
        foreach (var node in CSharpSyntaxTree.ParseText(source).GetRoot().DescendantNodes())
        {
            var name = node switch
            {
                MethodDeclarationSyntax method => method.Identifier.Text,
                LocalFunctionStatementSyntax local => local.Identifier.Text,
                ConstructorDeclarationSyntax constructor => constructor.Identifier.Text,
                OperatorDeclarationSyntax op => $"operator {op.OperatorToken.Text}",
                AccessorDeclarationSyntax { Body: not null } or AccessorDeclarationSyntax { ExpressionBody: not null } => Accessor((AccessorDeclarationSyntax)node),
                _ => null,
            };
            if (name is not null)
            {
                // The span begins at the attributes or the signature, after the comments.
                var lines = node.SyntaxTree.GetLineSpan(node.Span);
                yield return (name, lines.EndLinePosition.Line - lines.StartLinePosition.Line + 1);
            }
        }
    }

    private static string Accessor(AccessorDeclarationSyntax accessor) =>
        $"{(accessor.Parent?.Parent as PropertyDeclarationSyntax)?.Identifier.Text}.{accessor.Keyword.Text}";
}
